"""Bounded waits. Every time-out here is an upper limit for a hang, never a measurement."""

import os
import time

SLOWNESS = float(os.environ.get("WELLKNOWND_TEST_SLOWNESS", "1"))


def scaled(seconds):
    """`seconds` on an ordinary build, more on a slow one (sanitizers, valgrind)."""
    return seconds * SLOWNESS


def eventually(condition, what, timeout=10):
    """Asks until `condition()` is truthy and returns that; fails with `what` after the time-out."""
    deadline = time.monotonic() + scaled(timeout)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {scaled(timeout):g} seconds in vain: {what}")
        time.sleep(0.01)
