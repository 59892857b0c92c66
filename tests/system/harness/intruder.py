"""Makes another process do a system call, as whoever had got hold of it would.

As a program: `intruder.py THREAD NAME [ARGUMENT...]` stops the thread with ptrace(2), has it do the
call and prints `returned NUMBER` (an error is negative) or `killed by SIGNAL`. Arguments are numbers,
`text:...`, `hex:...` or `words:...` (numbers of 64 bits and commas; `@N` is the address of argument
N, from 0 on); all but the numbers are put into the thread's memory. x86-64 only.
"""

import ctypes
import os
import platform
import signal
import subprocess
import sys

SUPPORTED = platform.machine() == "x86_64"
NUMBERS = {
    "bind": 49,
    "bpf": 321,
    "chmod": 90,
    "clone": 56,
    "clone3": 435,
    "connect": 42,
    "dup3": 292,
    "execve": 59,
    "execveat": 322,
    "fcntl": 72,
    "fork": 57,
    "ftruncate": 77,
    "io_uring_setup": 425,
    "ioctl": 16,
    "kill": 62,
    "link": 86,
    "madvise": 28,
    "memfd_create": 319,
    "mkdir": 83,
    "mknod": 133,
    "mmap": 9,
    "mount": 165,
    "mprotect": 10,
    "openat": 257,
    "openat2": 437,
    "pidfd_open": 434,
    "prctl": 157,
    "prlimit64": 302,
    "process_vm_writev": 311,
    "ptrace": 101,
    "pwrite64": 18,
    "recvmsg": 47,
    "rename": 82,
    "rt_tgsigqueueinfo": 297,
    "sched_setaffinity": 203,
    "sendmmsg": 307,
    "sendmsg": 46,
    "sendto": 44,
    "setsockopt": 54,
    "setuid": 105,
    "socket": 41,
    "symlink": 88,
    "tgkill": 234,
    "timer_create": 222,
    "truncate": 76,
    "unlink": 87,
    "unlinkat": 263,
    "userfaultfd": 323,
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

    def place(self, arguments, memory):
        """Puts what is no number into memory from there on; what each register is to hold."""
        values = []
        for argument in arguments:
            values.append(argument if isinstance(argument, int) else memory)
            if not isinstance(argument, int):
                memory += len(argument) * (8 if isinstance(argument, list) else 1) + 16 & ~15
        for argument, address in zip(arguments, values):
            if isinstance(argument, list):
                words = (values[int(w[1:])] if w[0] == "@" else int(w, 0) for w in argument)
                argument = b"".join(word.to_bytes(8, "little") for word in words)
            if isinstance(argument, bytes):
                self.put(address, argument)
        return values

    def call(self, number, arguments):
        saved, registers = Registers(), Registers()
        self.ptrace(GET_REGISTERS, None, ctypes.addressof(saved))
        ctypes.memmove(ctypes.addressof(registers), ctypes.addressof(saved), ctypes.sizeof(saved))
        where = saved.rip - 2
        assert self.ptrace(PEEK, where) & 0xFFFF == SYSCALL_INSTRUCTION, "not waiting in a call"
        values = self.place(arguments, (saved.rsp - 1024) & ~15)
        for register, value in zip(ARGUMENT_REGISTERS, values):
            setattr(registers, register, value & 0xFFFFFFFFFFFFFFFF)
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
    if text.startswith("words:"):
        return text[6:].split(",")
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
