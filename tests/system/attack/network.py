"""A daemon's machine with three neighbours, each in a network namespace: attackers, honest clients
that are near, and honest clients that are 150 ms away. Packets have 1500 bytes at most."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.daemon import PROJECT

HERE = Path(__file__).resolve().parent
SLOW_LINK = PROJECT / "tests/system/check/world/slow_link.py"
ROUND_TRIP = 0.15  # seconds, to those that are far
HTTPS_PORT, HTTP_PORT = 443, 80
ATTACKERS, NEAR, FAR = "198.18.1", "198.18.2", "198.18.3"  # networks for measurements, RFC 2544
CLIENTS = [f"{{}}.{number}" for number in range(100, 108)]  # honest ones of a network

# Has the kernel cut and checksum packets as a network card's would be: whole frames of 1500 bytes
# (SIOCETHTOOL with ETHTOOL_STXCSUM, STSO and SGSO 0).
REAL_PACKETS = """
import array, fcntl, socket, struct, sys
with socket.socket() as anything:
    for command in (0x17, 0x1f, 0x24):
        value = array.array("B", struct.pack("II", command, 0))
        request = struct.pack("16sP", sys.argv[1].encode(), value.buffer_info()[0])
        fcntl.ioctl(anything, 0x8946, request.ljust(40, bytes(1)))
"""


def why_not():
    """Why there can be no such world here, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if missing := [tool for tool in ("ip", "ss") if not shutil.which(tool)]:
        return f"{', '.join(missing)} is not installed"
    probe = f"attack{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        return "this kernel or container allows no network namespaces"
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return None


class World:
    def __init__(self, attacker):
        self.attacker = attacker
        self.prefix = f"attack{os.getpid()}-"
        self.spaces = []
        self.links = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        for name in ("server", "attackers", "near", "far", "link"):
            self._run("ip", "netns", "add", self.space(name))
            self.spaces.append(self.space(name))
            self._run("ip", "-n", self.space(name), "link", "set", "lo", "up")
        self._connect("server", ATTACKERS, "attackers", range(100, 160))
        self._connect("server", NEAR, "near", range(100, 108))
        # Those that are far: over a machine that holds every packet up.
        self._cable("server", "far", "link", "here")
        self._cable("link", "there", "far", "server")
        self._address("server", "far", f"{FAR}.1")
        for number in range(100, 108):
            self._address("far", "server", f"{FAR}.{number}")
        line = (sys.executable, SLOW_LINK, "here", "there", str(ROUND_TRIP))
        # It must not be what is slow.
        self.links.append(self.start("link", "nice", "-n", "-10", *line, stdout=subprocess.PIPE))
        assert self.links[0].stdout.readline() == b"ready\n"

    def _run(self, *words):
        subprocess.run([str(word) for word in words], check=True, capture_output=True)

    def space(self, name):
        return self.prefix + name

    def _cable(self, space, name, other_space, other_name):
        self._run("ip", "-n", self.space(space), "link", "add", name, "type", "veth",
                  "peer", "name", other_name, "netns", self.space(other_space))  # fmt: skip
        for place, end in ((space, name), (other_space, other_name)):
            self._run("ip", "-n", self.space(place), "link", "set", end, "up", "txqueuelen", 1000)
            self._run(*self.inside(place), sys.executable, "-c", REAL_PACKETS, end)

    def _address(self, space, name, address):
        self._run("ip", "-n", self.space(space), "address", "add", f"{address}/24", "dev", name)

    def _connect(self, server, network, machine, numbers):
        self._cable(server, machine, machine, "server")
        self._address(server, machine, f"{network}.1")
        for number in numbers:
            self._address(machine, "server", f"{network}.{number}")

    def inside(self, name):
        """The words that run a program on a machine."""
        return ["ip", "netns", "exec", self.space(name)]

    def start(self, name, *words, **details):
        return subprocess.Popen([*self.inside(name), *map(str, words)], **details)

    def close(self):
        for process in self.links:
            process.kill()
            process.wait()
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)

    def socket_memory_kib(self):
        """What the kernel holds for the sockets of the daemon's machine (`skmem` of ss(8))."""
        shown = subprocess.run(
            [*self.inside("server"), "ss", "-tmnHO"], capture_output=True, text=True, check=True
        ).stdout
        total = 0
        for part in shown.split("skmem:(")[1:]:
            figures = dict(
                (name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz")))
                for name in part.partition(")")[0].split(",")
            )
            # received, being sent, written and not sent, kept for later
            total += figures["r"] + figures["t"] + figures["w"] + figures["f"]
        return total // 1024


class Honest:
    """Honest clients of one network, from the start to `stop`."""

    def __init__(self, world, name, authority, rate, kinds):
        network = {"near": NEAR, "far": FAR}[name]
        ports = {"https": HTTPS_PORT, "http": HTTP_PORT}
        urls = [f"{kind}://{network}.1:{ports[kind]}" for kind in kinds]
        sources = ",".join(client.format(network) for client in CLIENTS)
        self.process = world.start(
            name, sys.executable, HERE / "honest.py", authority.file, sources, rate, *urls,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout.readline() == b"begun\n"

    def stop(self):
        """Every request as (begin, end or None)."""
        output, _ = self.process.communicate()
        assert self.process.returncode == 0
        return json.loads(output)


class Attack:
    """A program among the attackers, which stops by itself."""

    def __init__(self, world, *words, environment=None):
        # Attackers have machines of their own: here they get what others leave of this one.
        line = ["nice", "-n", "5", *map(str, words)]
        self.process = world.start(
            "attackers", *line, stdout=subprocess.PIPE, env=environment or os.environ
        )

    @classmethod
    def of(cls, world, case, place, seconds):
        """attacker.c's attack of this case."""
        host, port = place
        sources = ",".join(f"{ATTACKERS}.{100 + number}" for number in range(case.addresses))
        attack = cls(
            world, world.attacker, case.state, host, port, int(case.kind == "https"),
            sources if port else "-", case.count, case.rate, case.pace, seconds,
        )  # fmt: skip
        assert attack.process.stdout.readline() == b"begun\n"
        return attack

    def wait(self):
        """Waits for its end; returns what it has done."""
        output, _ = self.process.communicate()
        assert self.process.returncode == 0
        return json.loads(output)
