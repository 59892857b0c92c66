"""Runs a program in a root directory of its own, as a container runtime does; needs root.

run_tree.py ROOT [--user UID:GID] [--memory-group FOLDER] [--join-network PID]
            [--mount FOLDER:PATH]... -- PROGRAM [ARGUMENT]...

The program is PID 1 of its own PID namespace, in a network of its own (or that of PID) with nothing
but a loopback interface. ROOT is read-only, and so are the mounts; there is no /proc and no /dev.
It has no capability, and can get none. SIGTERM is passed on, and its status is ours.
"""

import argparse
import ctypes
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A function of the C library that Python has no name for."""
    converted = [str(item).encode() if isinstance(item, Path | str) else item for item in arguments]
    if getattr(libc, name)(*converted) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}{arguments}: {os.strerror(error)}")


def join_network(pid):
    """This thread, and those it starts, use the network of the process PID from now on."""
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        call("setns", descriptor, CLONE_NEWNET)
    finally:
        os.close(descriptor)


def bind_read_only(folder, path):
    flags = MS_BIND | MS_NOSUID | MS_NODEV
    call("mount", folder, path, None, MS_BIND, None)
    call("mount", None, path, None, flags | MS_REMOUNT | MS_RDONLY, None)


def bring_loopback_up():
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        request = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", request, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def become(user):
    """From here on an ordinary user without any capability."""
    uid, gid = map(int, user.split(":"))
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def run(arguments):
    if arguments.join_network:
        join_network(arguments.join_network)
        call("unshare", CLONE_NEWNS | CLONE_NEWPID)
    else:
        call("unshare", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET)
        bring_loopback_up()
    call("mount", None, "/", None, MS_REC | MS_PRIVATE, None)
    bind_read_only(arguments.root, arguments.root)
    for mount in arguments.mount:
        folder, _, path = mount.partition(":")
        bind_read_only(folder, f"{arguments.root}{path}")
    child = os.fork()
    if child == 0:
        if arguments.memory_group:
            (arguments.memory_group / "cgroup.procs").write_text("0")  # this process
        os.chroot(arguments.root)
        os.chdir("/")
        become(arguments.user)
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.execv(arguments.command[0], arguments.command)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--user", default="65532:65532")
    parser.add_argument("--memory-group", type=Path)
    parser.add_argument("--join-network", type=int)
    parser.add_argument("--mount", action="append", default=[])
    parser.add_argument("command", nargs="+")
    raise SystemExit(run(parser.parse_args()))
