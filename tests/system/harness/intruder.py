"""Makes another process do a system call, as whoever had got hold of it would.

As a program: `intruder.py THREAD NAME [ARGUMENT...]` stops the thread with ptrace(2), has it do the
call and prints `returned NUMBER` (an error is negative) or `killed by SIGNAL`. Arguments are numbers,
`text:...` or `hex:...`; the latter two are put into the thread's memory. x86-64 only.
"""

import ctypes
import os
import platform
import signal
import subprocess
import sys

SUPPORTED = platform.machine() == "x86_64"
NUMBERS = {
    "clone": 56,
    "connect": 42,
    "execve": 59,
    "fork": 57,
    "io_uring_setup": 425,
    "kill": 62,
    "mmap": 9,
    "mprotect": 10,
    "openat": 257,
    "prctl": 157,
    "ptrace": 101,
    "rename": 82,
    "sendto": 44,
    "setuid": 105,
    "socket": 41,
    "unlink": 87,
}
ATTACH, DETACH, STEP, GET_REGISTERS, SET_REGISTERS, POKE, PEEK = 16, 17, 9, 12, 13, 4, 1
ANY_THREAD = 0x40000000  # __WALL
SYSCALL_INSTRUCTION = 0x050F
REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
    "fs_base gs_base ds es fs gs"
).split()
ARGUMENT_REGISTERS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulong) for name in REGISTERS]


class Killed(Exception):
    """The kernel has ended the process for trying; `signal` is by what."""

    def __init__(self, name):
        super().__init__(f"killed by {name}")
        self.signal = name


def inside(thread, name, *arguments, **details):
    """What the system call returns in that thread; raises Killed where it ends the process."""
    line = [sys.executable, __file__, str(thread), name, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60, **details)
    assert done.returncode == 0, done.stderr
    verb, _, result = done.stdout.strip().rpartition(" ")
    if verb != "returned":
        raise Killed(result)
    return int(result)


class Tracee:
    def __init__(self, thread):
        self.thread = thread
        self.ptrace_function = ctypes.CDLL(None, use_errno=True).ptrace
        self.ptrace_function.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.ptrace_function.restype = ctypes.c_long
        self.ptrace(ATTACH)
        self.wait()

    def ptrace(self, request, address=None, data=None):
        ctypes.set_errno(0)
        result = self.ptrace_function(request, self.thread, address, data)
        if result == -1 and ctypes.get_errno():
            raise OSError(ctypes.get_errno(), f"ptrace: {os.strerror(ctypes.get_errno())}")
        return result

    def wait(self):
        _, status = os.waitpid(self.thread, ANY_THREAD)
        if os.WIFSIGNALED(status):
            raise Killed(signal.Signals(os.WTERMSIG(status)).name)
        assert os.WIFSTOPPED(status), f"status {status:#x}"

    def put(self, address, data):
        data += bytes(-len(data) % 8)
        for offset in range(0, len(data), 8):
            word = int.from_bytes(data[offset : offset + 8], "little")
            self.ptrace(POKE, address + offset, word)

    def call(self, number, arguments):
        saved, registers = Registers(), Registers()
        self.ptrace(GET_REGISTERS, None, ctypes.addressof(saved))
        ctypes.memmove(ctypes.addressof(registers), ctypes.addressof(saved), ctypes.sizeof(saved))
        where = saved.rip - 2
        assert self.ptrace(PEEK, where) & 0xFFFF == SYSCALL_INSTRUCTION, "not waiting in a call"
        memory = (saved.rsp - 1024) & ~15
        for register, argument in zip(ARGUMENT_REGISTERS, arguments):
            if isinstance(argument, bytes):
                self.put(memory, argument)
                argument, memory = memory, memory + len(argument) + 16 & ~15
            setattr(registers, register, argument & 0xFFFFFFFFFFFFFFFF)
        registers.rip, registers.rax, registers.orig_rax = where, number, 0xFFFFFFFFFFFFFFFF
        self.ptrace(SET_REGISTERS, None, ctypes.addressof(registers))
        self.ptrace(STEP)
        self.wait()
        self.ptrace(GET_REGISTERS, None, ctypes.addressof(registers))
        if number != NUMBERS["execve"] or registers.rax:
            self.ptrace(SET_REGISTERS, None, ctypes.addressof(saved))
        return ctypes.c_long(registers.rax).value


def argument_of(text):
    if text.startswith("text:"):
        return text[5:].encode() + b"\0"
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else int(text, 0)


def main(thread, name, *arguments):
    try:
        tracee = Tracee(int(thread))
        print("returned", tracee.call(NUMBERS[name], [argument_of(text) for text in arguments]))
        tracee.ptrace(DETACH)
    except Killed as killed:
        print(killed)


if __name__ == "__main__":
    main(*sys.argv[1:])
