"""Libraries for LD_PRELOAD that make calls of the daemon fail, built from tests/system/faults."""

import contextlib
import mmap
import shutil
import subprocess
from pathlib import Path

import pytest

from .daemon import is_sanitized

FAULTS = Path(__file__).resolve().parents[1] / "faults"

needs_own_allocator = pytest.mark.skipif(
    is_sanitized() or not shutil.which("gcc"),
    reason="needs gcc, and sanitizers have an allocator of their own",
)


def fault_library(name, directory):
    """Builds faults/NAME.c in `directory` and returns the library."""
    library = directory / f"{name}.so"
    line = ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, FAULTS / f"{name}.c"]
    subprocess.run(line, check=True)
    return library


class Control:
    """The number that a library and the test share; 0 at first, when nothing fails."""

    def __init__(self, memory):
        self.memory = memory

    def set(self, number):
        self.memory[:] = number.to_bytes(8, "little", signed=True)

    def get(self):
        return int.from_bytes(self.memory[:], "little", signed=True)


@contextlib.contextmanager
def faults(name, directory):
    """The environment of a daemon that faults/NAME.c makes fail, and its control."""
    path = directory / f"{name}.control"
    path.write_bytes(bytes(8))
    environment = {"LD_PRELOAD": str(fault_library(name, directory)), "FAULTS_FILE": str(path)}
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 8) as memory:
        yield environment, Control(memory)
