"""Reloads while others attack: listeners come and go, certificates and documents change, and nothing
is used after it was freed. Sanitizers find more in it than an ordinary build does."""

import itertools
import os
import subprocess
import time

import pytest
from harness.certificates import RenamedOver
from harness.daemon import free_port
from harness.service_manager import NotifySocket
from harness.waiting import eventually
from states import ANYWHERE, ON_HTTPS

CONNECTIONS, RATE, PACE = 300, 300, 500
SECONDS = 2  # that an attack takes
EVERY_ATTACK = (
    *((state, kind) for kind in ("http", "unix") for state in ANYWHERE),
    *((state, "https") for state in ON_HTTPS),
)
# Connections that are waited for, that end by themselves, that are written to, that are evicted.
SELECTION = (
    ("half-line", "http"), ("resets", "https"), ("handshakes", "https"), ("hello", "https"),
    ("pipeline-unread", "https"), ("key-updates", "https"),
)  # fmt: skip


class Attacked:
    """A daemon that is attacked on addresses that come and go."""

    def __init__(self, start, authority, attacker, news):
        self.attacker = attacker
        self.folder = start.directory
        self.pairs = [authority.issue("example.com") for _ in range(2)]
        self.files = RenamedOver(self.folder, self.pairs[0])
        self.ports = {kind: (free_port(), free_port()) for kind in ("https", "http")}
        self.number = 0
        self.daemon = start.configured(self.text(), environment=news.environment)
        self.news = news
        news.wait_for("READY")

    def text(self):
        """A configuration that differs from the one before: two of three listeners are there."""
        first, second = (
            [f'"127.0.0.1:{port}"' for place, port in enumerate(self.ports[kind]) if not place
             or self.number % 2] for kind in ("https", "http")
        )  # fmt: skip
        more = f', "unix:{self.folder}/http.sock"' if self.number % 3 else ""
        domains = "".join(
            f'domain "d{extra}.example" {{ server = "m{self.number}.example:1" }}\n'
            for extra in range(self.number % 5)
        )
        return f"""
            listen = {{ {", ".join(first)} }}
            listen_http = {{ {", ".join(second)}{more}, "unix:{self.folder}/always.sock" }}
            certificate = "{self.files.certificate}"
            key = "{self.files.key}"
            max_connections = 200
            request_timeout = 1
            keepalive_timeout = 1
            {domains}
            domain "example.com" {{ server = "m{self.number}.example:1" }}
            """

    def reload(self):
        self.number += 1
        if self.number % 10 == 0:
            self.files.replace(self.pairs[self.number // 10 % 2])
        self.daemon.configuration.write_text(self.text())
        self.daemon.reload()
        self.news.wait_for("RELOADING")
        self.news.wait_for("READY")

    def attack(self, state, kind):
        """Two attackers in this state, on a listener that stays and on one that comes and goes."""
        if kind == "unix":
            places = [(str(self.folder / "http.sock"), 0), (str(self.folder / "always.sock"), 0)]
        else:
            places = [("127.0.0.1", port) for port in self.ports[kind]]
        sources = ",".join(f"127.0.0.{number}" for number in range(2, 20))
        figures = (CONNECTIONS, RATE, PACE, SECONDS)
        return [
            subprocess.Popen(
                [self.attacker, state, host, str(port), str(int(kind == "https")),
                 sources if port else "-", *map(str, figures)],
                stdout=subprocess.DEVNULL,
            )
            for host, port in places
        ]  # fmt: skip


def reload_under(attacks, attacked, reloads):
    """That many reloads at least, spread over the attacks one after another."""
    begin, pause = time.monotonic(), SECONDS * len(attacks) / reloads / 2
    running = []
    try:
        for state, kind in attacks:
            running = attacked.attack(state, kind)
            while any(process.poll() is None for process in running):
                attacked.reload()
                time.sleep(pause)
            assert [process.returncode for process in running] == [0, 0]
    finally:
        for process in running:
            process.kill()
            process.wait()
    while attacked.number < reloads:
        attacked.reload()
    print(f"{attacked.number} reloads in {time.monotonic() - begin:.0f} s")


@pytest.fixture
def attacked(start, authority, attacker, tmp_path):
    with NotifySocket(tmp_path / "notify") as news:
        yield Attacked(start, authority, attacker, news)


def check(attacked):
    daemon = attacked.daemon
    assert "not reloaded" not in daemon.log
    https = daemon.endpoint("127.0.0.1", attacked.ports["https"][0], tls=True)
    eventually(https.serves, "the document")
    assert https.get().json == {"m.server": f"m{attacked.number}.example:1"}
    daemon.stop()  # finds what a sanitizer has written


def test_reloads_under_attack(attacked):
    reload_under(SELECTION, attacked, reloads=60)
    check(attacked)


@pytest.mark.soak
def test_500_reloads_under_every_attack(attacked):
    reload_under(EVERY_ATTACK, attacked, reloads=500)
    check(attacked)
