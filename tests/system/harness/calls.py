"""Calls of the C library that fail in a daemon, by a preloaded library (faults/calls.c)."""

import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from .daemon import is_sanitized

FUNCTIONS = ("accept4", "epoll_add", "getrandom", "listen", "bind")
ORDER = struct.Struct("=qqq")
SOURCE = Path(__file__).resolve().parents[1] / "faults" / "calls.c"
needs_failing_calls = pytest.mark.skipif(
    not shutil.which("gcc") or is_sanitized(), reason="needs gcc, and no sanitizer's library"
)


class FailingCalls:
    """`details` are for Starter; the directory must be there for as long as the daemon."""

    def __init__(self, directory):
        library, control = directory / "calls.so", directory / "calls"
        line = ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SOURCE]
        subprocess.run(line, check=True)
        control.write_bytes(bytes(ORDER.size * len(FUNCTIONS)))
        with control.open("r+b") as file:
            self.orders = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(library), "CALLS_FILE": str(control)}
        self.details = {"environment": self.environment}

    def fail(self, function, error, times=-1, after=0):
        """From now on, after some calls, so many fail (-1: all)."""
        place = ORDER.size * FUNCTIONS.index(function)
        self.orders[place : place + ORDER.size] = ORDER.pack(after, times, getattr(errno, error))

    def left(self, function):
        """How many are still to fail."""
        return ORDER.unpack_from(self.orders, ORDER.size * FUNCTIONS.index(function))[1]

    def mend(self, function):
        self.fail(function, "EIO", times=0)
