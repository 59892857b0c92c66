"""slowhttptest's four attacks: slow headers, slow bodies, ranges, slow reading."""

import os
import re

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


class SlowHttpTest(Attack):
    """slowhttptest, from one address."""

    @classmethod
    def of(cls, world, case, place, seconds):
        host, port = place
        mode = case.state[-1]
        url = f"{case.kind}://{host}:{port}/.well-known/matrix/server"
        attack = cls(
            world, find("slowhttptest"), f"-{mode}", *MODES[mode], "-c", CONNECTIONS, "-r", RATE,
            "-l", int(seconds), "-p", 3, "-u", url, "-v", 1,
            environment={**os.environ, "LD_LIBRARY_PATH": libraries()},
        )  # fmt: skip
        return attack

    def wait(self):
        output, _ = self.process.communicate()
        text = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", output.decode(errors="replace"))
        print(text[-2000:])
        # It prints its counts every few seconds; the last ones are of its end.
        counts = {name: [int(count) for count in re.findall(rf"{name}:\s+(\d+)", text)]
                  for name in ("connected", "closed", "error")}  # fmt: skip
        opened = max(map(sum, zip(*(each or [0] for each in counts.values()))))
        return {"opened": opened, "peak": max(counts["connected"] or [0]), "bytes": 0}


@pytest.mark.parametrize("kind", ("https", "http"))
@pytest.mark.parametrize("mode", MODES)
def test_honest_clients_are_served_during_slowhttptest(mode, kind, world, daemon, authority, rows):
    case = Case(f"slowhttptest -{mode}", kind)
    figures = under_attack(case, TIMES, world, daemon, authority, SlowHttpTest.of)
    rows.append(figures.row())
    check(figures, daemon)
