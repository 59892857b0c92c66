"""What an attack did, as figures: a row of doc/attacks.md, and what the tests assert."""

import os
import platform
import re
import statistics
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from harness.daemon import PROJECT, run

PAGE = PROJECT / "doc" / "attacks.md"
# What one connection can make the daemon and the kernel hold, as the page promises it.
PROMISES = (PROJECT / "doc" / "security.md").read_text()
BEGIN, END = "<!-- figures: make soak -->\n", "<!-- end of figures -->\n"
HEADINGS = (
    "state", "on", "addresses", "connections a second", "MB/s", "daemon's CPU",
    "private memory, MiB", "sockets, MiB", "served near", "served far", "p99 near, ms",
    "p99 far, ms",
)  # fmt: skip


def private_kib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE))


@dataclass
class Memory:
    resident: int = 0
    private: int = 0
    sockets: int = 0

    @classmethod
    def of(cls, daemon, world):
        return cls(daemon.resident_kib(), private_kib(daemon.pid), world.socket_memory_kib())

    def most(self, other):
        """The larger figure of each."""
        pairs = ((self.resident, other.resident), (self.private, other.private))
        return Memory(*map(max, (*pairs, (self.sockets, other.sockets))))


def promised_kib(where):
    """What security.md promises of a connection `in the process` or `in the kernel`."""
    words = r"\s+".join(f"KiB a connection {where}".split())
    found = re.search(rf"(\d+) {words}", PROMISES)
    assert found, f"security.md does not say what a connection takes {where}"
    return int(found[1])


class Watch:
    """`with Watch(daemon, world) as watch:` looks at the daemon's memory; `peak` afterwards."""

    def __init__(self, daemon, world):
        self.daemon, self.world = daemon, world
        self.peak = Memory.of(daemon, world)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.25) and self.daemon.process.poll() is None:
            self.peak = self.peak.most(Memory.of(self.daemon, self.world))


@dataclass
class Served:
    """Honest requests of one time, near or far."""

    times: list = field(repr=False)  # seconds
    lost: int

    @classmethod
    def between(cls, requests, begin, end):
        """Those that began then."""
        chosen = [request for request in requests if begin <= request[0] < end]
        times = [ended - began for began, ended in chosen if ended is not None]
        return cls(times, len(chosen) - len(times))

    @property
    def count(self):
        return len(self.times) + self.lost

    @property
    def p99(self):
        """Seconds; for ever, where so many were not served."""
        if self.lost > self.count / 100:
            return float("inf")
        return statistics.quantiles(self.times, n=100, method="inclusive")[98]

    def __str__(self):
        return f"{len(self.times)} of {self.count}"


@dataclass
class Figures:
    case: object
    seconds: float
    attack: dict
    cpu_share: float
    before: Memory
    peak: Memory
    quiet: dict  # "near" and "far": Served
    attacked: dict

    def row(self):
        def milliseconds(name):
            times = (self.quiet[name].p99, self.attacked[name].p99)
            return " → ".join("–" if time == float("inf") else f"{1000 * time:.0f}" for time in times)

        opened = self.attack["opened"]
        return (
            self.case.state, self.case.kind, self.case.addresses if self.case.kind != "unix" else "–",
            "–" if opened is None else f"{opened / self.seconds:.0f}",
            f"{self.attack['bytes'] / self.seconds / 1e6:.1f}", f"{100 * self.cpu_share:.0f} %",
            f"{self.before.private / 1024:.1f} → {self.peak.private / 1024:.1f}",
            f"{self.peak.sockets / 1024:.1f}", self.attacked["near"], self.attacked["far"],
            milliseconds("near"), milliseconds("far"),
        )  # fmt: skip


def introduction():
    """Where and with what the figures were measured."""
    version = run("--version").stdout.splitlines()[0]
    libraries = ", ".join(
        f"{name} {subprocess.check_output(['pkg-config', '--modversion', package], text=True).strip()}"
        for name, package in (("libmicrohttpd", "libmicrohttpd"), ("GnuTLS", "gnutls"))
    )
    kernel = re.match(r"\d+\.\d+", platform.release())[0]
    return f"{version} with {libraries}, on {os.cpu_count()} CPUs with Linux {kernel}:"


def as_table(rows):
    lines = [HEADINGS, ["---"] * len(HEADINGS), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def write_page(rows, introduction):
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}{introduction}\n\n{as_table(rows)}{END}{tail}")
