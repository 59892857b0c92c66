"""A booted Debian in a container: what is installed, run, read and asked there."""

import contextlib
import ctypes
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness.daemon import PROJECT
from harness.waiting import eventually, scaled
from harness.wire import Endpoint

HERE = Path(__file__).parent
PEERS = Path(os.environ.get("PEERS", PROJECT / "build" / "peers")).absolute()
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def find_nspawn():
    """systemd-nspawn and the environment that it needs: installed, or unpacked."""
    for folder in ("/usr/bin", PEERS / "usr/bin"):
        program = Path(folder) / "systemd-nspawn"
        if program.exists():
            libraries = [str(file.parent) for file in PEERS.glob("usr/lib/*/systemd/libsystemd*")]
            path = {} if folder == "/usr/bin" else {"LD_LIBRARY_PATH": ":".join(libraries)}
            return program, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **path}
    pytest.skip(f"systemd-nspawn is not there: run tests/system/install-peers {PEERS}")


class Machine:
    """A copy of a tree, booted; everything in it is gone when it has stopped."""

    def __init__(self, tree, log_file):
        program, environment = find_nspawn()
        self.log_file = log_file
        with log_file.open("wb") as log:
            self.nspawn = subprocess.Popen(
                [
                    *("unshare", "--mount", "--propagation", "private"),
                    *(HERE / "boot", program, tree),
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.leader = eventually(self._find_leader, "the machine's first process", 30)
            eventually(self._is_up, "the machine's start", 60)
        except AssertionError as error:
            self.stop()
            pytest.skip(f"no Debian can be booted here: {error} {log_file.read_text()[-2000:]}")

    def _find_leader(self):
        if self.nspawn.poll() is not None:
            raise AssertionError("systemd-nspawn has ended:")
        pid = self.nspawn.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        return None

    def _is_up(self):
        if self.nspawn.poll() is not None:
            raise AssertionError("systemd-nspawn has ended:")
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def stop(self):
        if self.nspawn.poll() is None:
            # Nothing in it is worth an orderly end; its first process takes all others along.
            self.nspawn.send_signal(signal.SIGTERM)
            try:
                self.nspawn.wait(scaled(20))
            except subprocess.TimeoutExpired:
                self.nspawn.kill()
                self.nspawn.wait()

    def command(self, *command, **environment):
        """A command line that runs another one inside, for subprocess."""
        fixed = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
        variables = [f"{name}={value}" for name, value in {**fixed, **environment}.items()]
        inside = ["nsenter", "--target", str(self.leader), "--all", "--root", "--wd"]
        return [*inside, "env", "-i", *variables, *map(str, command)]

    def run(self, *command, check=True, text=None, **environment):
        """Runs a command inside to its end; `text` is its standard input."""
        result = subprocess.run(
            self.command(*command, **environment),
            input=text or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            timeout=scaled(120),
            check=False,
        )
        assert not check or result.returncode == 0, f"{command}: {result.stdout}"
        return result

    def output(self, *command, **details):
        return self.run(*command, **details).stdout.strip()

    def path(self, path):
        """A path inside, as seen from here."""
        return Path(f"/proc/{self.leader}/root{path}")

    def write(self, path, content):
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def install(self, *files, **environment):
        """Installs package files with apt, without a question unless told otherwise."""
        for file in files:
            self.write(f"/var/tmp/{file.name}", file.read_bytes())
        return self.run(
            *("apt-get", "--yes", "--no-install-recommends", "install"),
            *(f"/var/tmp/{file.name}" for file in files),
            **{"DEBIAN_FRONTEND": "noninteractive", **environment},
        )

    def preseed(self, **answers):
        lines = "".join(
            f"matrix-wellknownd matrix-wellknownd/{name} string {value}\n"
            for name, value in answers.items()
        )
        self.run("debconf-set-selections", text=lines)

    def property(self, unit, name):
        """What systemd says of a unit."""
        return self.output("systemctl", "show", "--value", "--property", name, unit)

    def journal(self, unit="matrix-wellknownd"):
        return self.output("journalctl", "--no-pager", "--unit", unit)

    def endpoint(self, port=443, tls=None):
        return MachineEndpoint("127.0.0.1", port, tls, namespace=f"/proc/{self.leader}/ns/net")

    def run_beside(self, *command):
        """Runs a program of this machine's on the other one's network."""
        network = f"--net=/proc/{self.leader}/ns/net"
        return subprocess.run(
            ["nsenter", network, *map(str, command)],
            capture_output=True,
            text=True,
            timeout=scaled(30),
            check=False,
        )


@contextlib.contextmanager
def in_network(namespace):
    """This thread, and it alone, is on another network within the block."""
    own, other = (os.open(f, os.O_RDONLY | os.O_CLOEXEC) for f in ("/proc/thread-self/ns/net", namespace))
    try:
        assert libc.setns(other, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(own, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(own)
        os.close(other)


@dataclass(frozen=True)
class MachineEndpoint(Endpoint):
    """Where the daemon listens inside a machine; a socket keeps the network it was made on."""

    namespace: str = ""

    def open(self, source=None):
        with in_network(self.namespace):
            return super().open(source)
