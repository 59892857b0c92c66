"""A daemon whose clock the test sets, by libfaketime."""

from pathlib import Path

import pytest

from .daemon import is_sanitized

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def needs_clock(test):
    """Marks a test that cannot be without this."""
    test = pytest.mark.skipif(LIBRARY is None, reason="needs libfaketime")(test)
    reason = "libfaketime and sanitizers both want to be first"
    return pytest.mark.skipif(is_sanitized(), reason=reason)(test)


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
                "LD_PRELOAD": str(LIBRARY),
                "FAKETIME_TIMESTAMP_FILE": str(self.file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": str(int(not self.monotonic)),
                "FAKETIME_DISABLE_SHM": "1",
            }
        }
