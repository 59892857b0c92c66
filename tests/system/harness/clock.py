"""A daemon whose clock the test sets, by libfaketime."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import pytest

from .daemon import is_sanitized
from .faults import fault_library

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def needs_clock(test):
    """Marks a test that cannot be without this."""
    there = LIBRARY is not None and shutil.which("gcc")
    test = pytest.mark.skipif(not there, reason="needs libfaketime and gcc")(test)
    reason = "libfaketime and sanitizers both want to be first"
    return pytest.mark.skipif(is_sanitized(), reason=reason)(test)


@functools.cache
def without_unlink():
    """A library beside libfaketime; see its source."""
    library = fault_library("unlink", Path(tempfile.mkdtemp(prefix="clock-")))
    # The daemon may have another user than the test.
    library.parent.chmod(0o755)
    atexit.register(shutil.rmtree, library.parent)
    atexit.register(remove_shared_memory)
    return library


def remove_shared_memory():
    """What libfaketime has left of processes that have ended."""
    for file in Path("/dev/shm").glob("*faketime_s[eh]m_*"):
        if not Path("/proc", file.name.rpartition("_")[2]).exists():
            file.unlink(missing_ok=True)


class Clock:
    """The clock of one daemon: right at first, then off by what `set` says ("+200d", "-61s").

    The monotonic clock, by which deadlines go, is its own only if `monotonic` says so.
    """

    def __init__(self, file, monotonic=False):
        self.file = file
        self.monotonic = monotonic
        self.set("+0")

    def set(self, offset):
        self.file.write_text(offset)

    @property
    def details(self):
        """Details for Starter."""
        return {
            "environment": {
                "LD_PRELOAD": f"{LIBRARY} {without_unlink()}",
                "FAKETIME_TIMESTAMP_FILE": str(self.file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": str(int(not self.monotonic)),
            },
        }
