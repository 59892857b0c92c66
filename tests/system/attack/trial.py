"""One attack: honest clients before and during it, what it takes of the daemon, and what must hold."""

import time
from dataclasses import dataclass

from figures import Figures, Memory, Served, Watch, as_table, promised_kib
from harness.waiting import SLOWNESS, eventually, scaled
from network import ATTACKERS, HTTP_PORT, HTTPS_PORT, Attack, Honest

MAX_CONNECTIONS = 1024
HONEST_RATE = 20  # requests a second, near and far each
UNRELATED = 2048  # KiB that the process may have come to need for other reasons
NOISE = 0.3  # seconds by which a p99 can be off on a machine that does other things


@dataclass(frozen=True)
class Case:
    state: str
    kind: str  # of listener: https, http, unix
    addresses: int = 1
    count: int = 1300
    rate: int = 300
    pace: int = 2000

    def __str__(self):
        return f"{self.state}-{self.kind}-{self.addresses}"


@dataclass(frozen=True)
class Times:
    quiet: float  # without the attack, seconds
    rising: float  # until it is at its height
    high: float


SHORT, LONG = Times(3, 2.5, 5), Times(4, 2, 8)


def target(case, daemon):
    if case.kind == "unix":
        return str(daemon.configuration.parent / "http.sock"), 0
    return f"{ATTACKERS}.1", HTTPS_PORT if case.kind == "https" else HTTP_PORT


def open_connections(daemon):
    endpoint = daemon.endpoint(daemon.configuration.parent / "metrics.sock")
    text = endpoint.get("/metrics").body.decode()
    (line,) = [each for each in text.splitlines() if each.startswith("matrix_wellknownd_connections ")]
    return int(line.split()[1])


def is_slow(figures):
    """Whether honest clients were served, but took longer than is allowed."""
    return any(
        served.lost <= served.count / 100 and served.p99 > allowed_p99(figures.quiet[name])
        for name, served in figures.attacked.items()
    )


def allowed_p99(quiet):
    return 3 * quiet.p99 + NOISE * SLOWNESS


def under_attack(*details):
    """The figures of one attack. Where it was slow it is tried once more: that can be what else the
    machine had to do."""
    figures = attack_once(*details)
    return attack_once(*details) if is_slow(figures) else figures


def attack_once(case, times, world, daemon, authority, attack=Attack.of):
    honest = {
        name: Honest(world, name, authority, HONEST_RATE, ("https", "http"))
        for name in ("near", "far")
    }
    time.sleep(1)  # for the first ones everything is new
    begin, before = time.monotonic(), Memory.of(daemon, world)
    time.sleep(scaled(times.quiet))
    with Watch(daemon, world) as watch:
        height = begin + scaled(times.quiet + times.rising)
        end = height + scaled(times.high)
        attack_begin = time.monotonic()
        running = attack(world, case, target(case, daemon), end - attack_begin)
        cpu = daemon.cpu_seconds()
        done = running.wait()
        seconds = time.monotonic() - attack_begin
        cpu = daemon.cpu_seconds() - cpu
    requests = {name: clients.stop() for name, clients in honest.items()}
    quiet = {name: Served.between(each, begin, attack_begin - 1) for name, each in requests.items()}
    attacked = {name: Served.between(each, height, end) for name, each in requests.items()}
    return Figures(case, seconds, done, cpu / seconds, before, watch.peak, quiet, attacked)


def check(figures, daemon):
    print(as_table([figures.row()]))
    assert daemon.process.poll() is None, "it has ended"
    for name, served in figures.attacked.items():
        enough = served.lost <= served.count / 100
        assert enough, f"{name}: served {served}"
        p99, limit = served.p99, allowed_p99(figures.quiet[name])
        assert p99 <= limit, f"{name}: a p99 of {p99:.3f} s, where {limit:.3f} are allowed"
    check_memory(figures)
    eventually(lambda: open_connections(daemon) <= 1, "all connections to be gone", timeout=15)
    before = daemon.cpu_seconds()
    time.sleep(1)
    assert daemon.cpu_seconds() - before < 0.1, "it is not idle"


def check_memory(figures):
    """No more than promised for each of its connections, and for the honest ones."""
    case, before, peak = figures.case, figures.before, figures.peak
    allowed = 64 * case.addresses if case.kind == "https" else MAX_CONNECTIONS
    connections = min(figures.attack["peak"], allowed, MAX_CONNECTIONS) + 4 * HONEST_RATE
    limit = connections * promised_kib("in the process") + UNRELATED
    assert peak.private - before.private <= limit, f"{peak.private} KiB of memory"
    limit = connections * promised_kib("in the kernel") + UNRELATED
    assert peak.sockets <= limit, f"{peak.sockets} KiB of the kernel's memory"
