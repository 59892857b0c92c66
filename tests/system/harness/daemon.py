"""The real daemon as a child process: started, waited for, asked, stopped."""

import atexit
import contextlib
import errno
import functools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from .waiting import eventually, scaled
from .wire import ConnectionClosed, Endpoint

PROJECT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("WELLKNOWND", PROJECT / "build" / "matrix-wellknownd")).absolute()
SANITIZER_REPORT = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")
PRIORITY = re.compile(r"^<\d>")
SERVER_OPTION = ("--server", "matrix.example.com:8448")
PLAIN = ("--listen-http", "127.0.0.1:0")
HTTPS = ("--listen", "127.0.0.1:0")


def environment_of(variables=None):
    """An environment in which nothing of the caller's reaches the daemon's settings."""
    sanitizers = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
    kept = ("PATH", "LD_LIBRARY_PATH", *sanitizers)
    inherited = {name: os.environ[name] for name in kept if name in os.environ}
    return {**inherited, **(variables or {})}


@functools.cache
def copy_for_everybody():
    """A copy of the program: another user may not reach the checkout, which can be in /root."""
    folder = Path(tempfile.mkdtemp(prefix="matrix-wellknownd-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    return Path(shutil.copy2(BINARY, folder))


def readable_by_all(directory):
    """pytest's directories are root's alone; for daemons that become somebody else they are not."""
    while directory != Path(tempfile.gettempdir()) and directory != directory.parent:
        directory.chmod(0o755)
        directory = directory.parent


def program(details):
    """What to run with these details of subprocess.Popen."""
    return copy_for_everybody() if "user" in details else BINARY


def run(*arguments, environment=None, **details):
    """Runs the daemon's program to its end, for what does not stay running."""
    return subprocess.run(
        [program(details), *map(str, arguments)],
        env=environment_of(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=scaled(20),
        check=False,
        **details,
    )


@functools.cache
def ports_nobody_is_given():
    """Ports that the kernel never chooses by itself, for port 0 or for a client, in some order."""
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    first, last = map(int, limits)
    ports = [port for port in range(10000, 65536) if not first <= port <= last]
    random.SystemRandom().shuffle(ports)
    return ports


def is_bindable(port):
    """Whether no program listens there, on either family."""
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


RESERVATIONS = []


def free_port():
    """A port that is this process's until it ends, where a test has to know it beforehand.

    A reservation is an abstract Unix socket named after the port: all tests that run on this
    network see it, of whatever checkout, and the kernel forgets it when their process ends.
    """
    ports = ports_nobody_is_given()
    while ports:
        port = ports.pop()
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0matrix-wellknownd-test-port-{port}")
        except OSError:
            reservation.close()
            continue
        RESERVATIONS.append(reservation)
        if is_bindable(port):
            return port
    raise AssertionError("no port is free")


def is_sanitized():
    """Whether the program was built with a sanitizer whose memory does not tell of ours."""
    program = BINARY.read_bytes()
    return b"__asan_init" in program or b"__tsan_init" in program


class Daemon:
    """A running daemon; `https`, `http` and `metrics` are its endpoints, as `ready` names them."""

    def __init__(self, arguments, directory, tls, environment=None, starter=(), **details):
        self.tls = tls
        self.https, self.http, self.metrics = [], [], []
        number = len(list(directory.glob("daemon-*.err")))
        self.error_file = directory / f"daemon-{number}.err"
        self.output_file = directory / f"daemon-{number}.out"
        with self.error_file.open("wb") as error, self.output_file.open("wb") as output:
            variables = environment(error) if callable(environment) else environment
            self.process = subprocess.Popen(
                [*map(str, starter), program(details), *map(str, arguments)],
                env=environment_of(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                **details,
            )

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        """What was written on standard error so far."""
        return self.error_file.read_text(errors="backslashreplace")

    @property
    def output(self):
        """All that was written, on standard output and standard error, without priorities."""
        text = self.output_file.read_text(errors="backslashreplace") + self.log
        return "\n".join(PRIORITY.sub("", line) for line in text.splitlines())

    def wait_until_ready(self):
        """Waits for the `ready` line and takes the endpoints from it."""

        def ready_line():
            lines = self.log.splitlines(keepends=True)
            for line in lines:
                if re.match(r'(<6>)?ready\b|\{.*"ready\b', line) and line.endswith("\n"):
                    return line
            assert self.process.poll() is None, f"exited {self.process.returncode}: {self.log}"
            return None

        line = eventually(ready_line, "the line that begins with ready")
        found = re.findall(r"(https?)://(\[[^]]+\]|[0-9.]+):(\d+)(/metrics)?", line)
        for scheme, host, port, metrics in found:
            address = {"[::]": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host.strip("[]"))
            endpoint = Endpoint(address, int(port), self.tls if scheme == "https" else None)
            kind = self.metrics if metrics else getattr(self, scheme)
            kind.append(endpoint)
        return self

    def endpoint(self, host, port=0, tls=False):
        """An endpoint that `ready` did not tell: a Unix socket, or a port after a reload."""
        return Endpoint(str(host), port, self.tls if tls else None)

    def wait_for_log(self, pattern, after=0, timeout=10):
        """Waits until a line beyond the first `after` characters matches; returns that line."""

        def matching():
            lines = self.log[after:].splitlines()
            return next((line for line in lines if re.search(pattern, line)), None)

        return eventually(matching, f"{pattern!r} in the log:\n{self.log[after:]}", timeout)

    def open_connections(self):
        """How many it has accepted and not closed, but for the one that asks its metrics; None where
        that one had to make room for another."""
        try:
            text = self.metrics[0].get("/metrics").body.decode()
        except (OSError, ConnectionClosed):
            return None
        return int(re.search(r"^matrix_wellknownd_connections (\d+)$", text, re.MULTILINE)[1]) - 1

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def wait(self, timeout=10):
        """The exit status."""
        return self.process.wait(scaled(timeout))

    def stop(self, how=signal.SIGTERM):
        """Stops the daemon where it still runs, and checks that it ended as asked and clean."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after SIGTERM:\n{self.log}") from None
        assert not SANITIZER_REPORT.search(self.log), self.log
        assert status == 0, f"exit status {status}:\n{self.log}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self):
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kib(self):
        return int(self.status("VmRSS").split()[0])

    def status(self, field):
        """A field of /proc/PID/status."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return re.search(rf"^{field}:\s*(.*)$", text, re.MULTILINE)[1]

    def descriptor_count(self):
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except PermissionError:
            pytest.skip("only root can look into the daemon")


class Starter:
    """Starts daemons for one test (or module), and stops them all in one place."""

    def __init__(self, directory, tls):
        self.directory = directory
        self.tls = tls
        self.daemons = []

    def __call__(self, *arguments, **details):
        """Starts a daemon and waits for its `ready` line."""
        return self.without_waiting(*arguments, **details).wait_until_ready()

    def without_waiting(self, *arguments, **details):
        daemon = Daemon(arguments, self.directory, self.tls, **details)
        self.daemons.append(daemon)
        return daemon

    def plain(self, *arguments, **details):
        """A daemon on one plain-HTTP listener."""
        return self(*SERVER_OPTION, *PLAIN, *arguments, **details)

    def configured(self, text, *arguments, name="test.conf", **details):
        """A daemon with this configuration file, which is `daemon.configuration` afterwards."""
        file = self.directory / name
        file.write_text(text)
        daemon = self("--config", file, *arguments, **details)
        daemon.configuration = file
        return daemon

    def stop_all(self):
        """Stops what still runs; a daemon that a test has ended itself is its own business."""
        problems = []
        for daemon in self.daemons:
            running = daemon.process.poll() is None
            print(f"--- log of daemon {daemon.pid}\n{daemon.log}")
            try:
                if running:
                    daemon.stop()
                else:
                    assert not SANITIZER_REPORT.search(daemon.log), daemon.log
                    assert daemon.process.returncode != -signal.SIGSEGV, "it crashed"
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)
