"""A kernel that lacks some system calls, made of ours with a filter that the daemon inherits."""

import ctypes
import errno
import os
import platform
import socket
import struct

SUPPORTED = platform.machine() in ("x86_64", "aarch64")
# Landlock's numbers are the same everywhere.
NUMBERS = {
    "landlock": 444,
    "seccomp": 317 if platform.machine() == "x86_64" else 277,
    "socket": 41 if platform.machine() == "x86_64" else 198,
    "getrandom": 318 if platform.machine() == "x86_64" else 278,
    "prctl": 157 if platform.machine() == "x86_64" else 167,
    "capset": 126 if platform.machine() == "x86_64" else 91,
    "prlimit64": 302 if platform.machine() == "x86_64" else 261,
    "accept4": 288 if platform.machine() == "x86_64" else 242,
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT = 0, 16  # where they are in what a filter sees
ALLOW, FAIL = 0x7FFF0000, 0x00050000


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def entering(instructions):
    """Details for Starter: this filter is put over the daemon."""
    code = b"".join(struct.pack("HBBI", *one) for one in instructions)
    libc = ctypes.CDLL(None, use_errno=True)

    def enter():
        program = Program(len(instructions), code)
        for arguments in (
            (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            (PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0),
        ):
            if libc.prctl(*arguments) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return {"preexec_fn": enter}


def without(*names, error=errno.ENOSYS):
    """Details for Starter: a daemon on a kernel in which these fail."""
    instructions = [(LOAD, 0, 0, NUMBER)]
    for name in names:
        instructions.append((JUMP_IF_EQUAL, 0, 1, NUMBERS[name]))
        instructions.append((RETURN, 0, 0, FAIL | error))
    return entering([*instructions, (RETURN, 0, 0, ALLOW)])


def refusing(*names):
    """Details for Starter: a daemon in a container whose profile refuses these."""
    return without(*names, error=errno.EPERM)


def without_ipv6():
    """Details for Starter: a daemon on a kernel in which there are no IPv6 sockets."""
    return entering(
        [
            (LOAD, 0, 0, NUMBER),
            (JUMP_IF_EQUAL, 0, 3, NUMBERS["socket"]),
            (LOAD, 0, 0, FIRST_ARGUMENT),
            (JUMP_IF_EQUAL, 0, 1, socket.AF_INET6),
            (RETURN, 0, 0, FAIL | errno.EAFNOSUPPORT),
            (RETURN, 0, 0, ALLOW),
        ]
    )


def has_landlock():
    return landlock_version() > 0


def landlock_version():
    return ctypes.CDLL(None).syscall(NUMBERS["landlock"], None, ctypes.c_size_t(0), 1)
