"""slowhttptest's four attacks: slow headers, slow bodies, ranges, slow reading."""

import os
import re
import time

import pytest
from harness.peers import find, libraries, missing
from network import Attack
from trial import Case, Times, check, under_attack

pytestmark = [
    pytest.mark.quiet,
    pytest.mark.soak,
    pytest.mark.skipif(not find("slowhttptest"), reason=missing("slowhttptest")),
]
CONNECTIONS, RATE = 1200, 400
# One byte or so now and then, as its manual page has it for servers that are hard to slow down.
MODES = {
    "H": ("-i", 1, "-x", 24),
    "B": ("-i", 1, "-x", 24, "-s", 8192),
    "R": ("-a", 10, "-b", 3000),
    "X": ("-n", 1, "-w", 1, "-y", 512, "-z", 32, "-k", 3),
}
TIMES = Times(4, 3, 10)


class SlowHttpTest:
    """slowhttptest, from one address. It ends early where all its connections are closed: then it
    begins again."""

    def __init__(self, world, case, place, seconds):
        host, port = place
        mode = case.state[-1]
        url = f"{case.kind}://{host}:{port}/.well-known/matrix/server"
        self.line = [
            find("slowhttptest"), f"-{mode}", *MODES[mode], "-c", CONNECTIONS, "-r", RATE, "-p", 3,
            "-u", url, "-v", 1,
        ]  # fmt: skip
        self.world, self.end = world, time.monotonic() + seconds
        self.environment = {**os.environ, "LD_LIBRARY_PATH": libraries()}

    def run(self):
        seconds = max(1, round(self.end - time.monotonic()))
        attack = Attack(self.world, *self.line, "-l", seconds, environment=self.environment)
        output, _ = attack.process.communicate()
        return re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", output.decode(errors="replace"))

    def wait(self):
        while time.monotonic() < self.end - 0.5:
            print(self.run()[-700:])
        return {"opened": None, "peak": CONNECTIONS, "bytes": 0}  # it does not say how many


@pytest.mark.parametrize("kind", ("https", "http"))
@pytest.mark.parametrize("mode", MODES)
def test_honest_clients_are_served_during_slowhttptest(mode, kind, world, daemon, authority, rows):
    case = Case(f"slowhttptest -{mode}", kind)
    figures = under_attack(case, TIMES, world, daemon, authority, SlowHttpTest)
    rows.append(figures.row())
    check(figures, daemon)
