"""Processes on one core, their CPU time and their memory."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ALL_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = {ALL_CORES[0]}
LOAD_CORES = {ALL_CORES[-1]}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def on_cores(cores):
    """What is started inside inherits these cores."""
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, LOAD_CORES)


def descendants(pid):
    """The process and all that it started and that live."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found


def cpu_time(pids):
    """Nanoseconds of CPU time of these processes, user and system, ended threads too.

    The kernel's clock of each process: what /proc/PID/stat shows as utime and stime in ticks of
    10 ms, without the rounding (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids)


def memory(pids):
    """Bytes of resident memory, what is shared counted by halves, thirds … (PSS)."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


class Process:
    """A server as a child, in a process group of its own."""

    def __init__(self, command, log, environment=None, cores=None):
        self.log = Path(log)
        with self.log.open("wb") as output, on_cores(cores or SERVER_CORES):
            self.started = time.monotonic_ns()
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pids = [self.process.pid]

    def settle(self):
        """To be called when it answers: by then it has started its workers."""
        self.pids = descendants(self.process.pid)

    def cpu(self):
        return cpu_time(self.pids)

    def memory(self):
        return memory(self.pids)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
