"""A small internet of network namespaces: nothing leaves them, and nothing stays behind."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[4]
HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("BUILD_DIRECTORY", PROJECT / "build")).absolute()
PEERS = Path(os.environ.get("PEERS", BUILD / "peers")).absolute()
SLOWNESS = float(os.environ.get("WELLKNOWND_TEST_SLOWNESS", "1"))

# Each machine's addresses. TEST-NET-3 and the documentation prefix are nobody's.
DNS = ("203.0.113.53", "2001:db8::53")
DAEMON = ("203.0.113.10", "2001:db8::10")
NGINX = ("203.0.113.11", "2001:db8::11")
ODD = ("203.0.113.12", "2001:db8::12")
HOME = ("203.0.113.20", "2001:db8::20")
SECOND_HOME = ("203.0.113.21", "2001:db8::21")
PRIVATE = ("10.9.8.7", "fd00::7")
TESTER = ("203.0.113.2", "2001:db8::2")
SLOW = ("203.0.113.3", "2001:db8::3")
SILENT = "203.0.113.66"  # swallows every packet
ROUTED = "203.0.113.67"  # the tester's, though none of its interfaces has it
REBINDING_DNS = f"{DNS[0]}:5300"  # see rebinding_dns.py
MACHINES = {
    "dns": [DNS],
    "apex": [DAEMON, NGINX, ODD],
    "home": [HOME, SECOND_HOME, PRIVATE],
    "tester": [TESTER, ("10.9.8.1", "fd00::1")],
}

# Has the kernel compute checksums: frames that slow_link.py takes up must be whole
# (SIOCETHTOOL with ETHTOOL_STXCSUM 0).
REAL_CHECKSUMS = """
import array, fcntl, socket, struct
value = array.array("B", struct.pack("II", 0x17, 0))
request = struct.pack("16sP", b"eth0", value.buffer_info()[0])
with socket.socket() as anything:
    fcntl.ioctl(anything, 0x8946, request.ljust(40, bytes(1)))
"""


def find_program(name):
    """A server's program: installed, or unpacked by install-peers. None where it is neither."""
    for directory in [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/local/sbin"]:
        if directory and os.access(Path(directory, name), os.X_OK):
            return str(Path(directory, name))
    unpacked = PEERS / "usr/sbin" / name
    return str(unpacked) if unpacked.exists() else None


def why_not():
    """Why there can be no internet here, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "knotd", "nginx"):
        if find_program(tool) is None:
            return f"{tool} is missing: run tests/system/install-peers {PEERS}"
    probe = f"mdc{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        return "this kernel or container allows no network namespaces"
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return None


def peer_environment():
    libraries = sorted({str(path.parent) for path in PEERS.glob("usr/lib/*/*.so*")})
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


class Internet:
    """Machines on one switch, and what runs on them."""

    def __init__(self, directory):
        self.directory = directory
        self.prefix = f"mdc{os.getpid()}-"
        self.processes = []
        self.spaces = []

    def _run(self, *words):
        subprocess.run([str(word) for word in words], check=True, capture_output=True)

    def space(self, machine):
        return self.prefix + machine

    def build(self):
        switch = self.space("switch")
        self._add_space(switch)
        self._run("ip", "-n", switch, "link", "add", "switch", "type", "bridge")
        self._run("ip", "-n", switch, "link", "set", "switch", "up")
        for machine, addresses in MACHINES.items():
            self._add_space(self.space(machine))
            self._connect(switch, machine, self.space(machine), "eth0")
            self._run("ip", "-n", switch, "link", "set", machine, "master", "switch")
            self._configure(machine, addresses)
        self._run("ip", "-n", self.space("tester"), "neighbour", "add", SILENT, "lladdr",
                  "02:00:00:00:00:66", "dev", "eth0", "nud", "permanent")  # fmt: skip
        self._run("ip", "-n", self.space("tester"), "route", "add", "local", ROUTED, "dev", "lo")
        self._set_name_server("tester")

    def add_slow_machine(self, round_trip):
        """One more machine, `slow`, from which every round trip takes that many seconds."""
        switch, link, slow = self.space("switch"), self.space("link"), self.space("slow")
        self._add_space(link)
        self._add_space(slow)
        self._connect(switch, "slow", link, "far")
        self._run("ip", "-n", switch, "link", "set", "slow", "master", "switch")
        self._connect(link, "near", slow, "eth0")
        self._configure("slow", [SLOW])
        self._set_name_server("slow")
        self.start("link", sys.executable, HERE / "slow_link.py", "near", "far", round_trip)

    def _connect(self, space, name, other_space, other_name):
        """A cable between two namespaces, both ends up."""
        self._run("ip", "-n", space, "link", "add", name, "type", "veth",
                  "peer", "name", other_name, "netns", other_space)  # fmt: skip
        self._run("ip", "-n", space, "link", "set", name, "up")
        self._run("ip", "-n", other_space, "link", "set", other_name, "up")

    def _configure(self, machine, addresses):
        space = self.space(machine)
        self._run("ip", "-n", space, "link", "set", "lo", "up")
        for ipv4, ipv6 in addresses:
            self._run("ip", "-n", space, "address", "add", f"{ipv4}/24", "dev", "eth0")
            self._run("ip", "-n", space, "address", "add", f"{ipv6}/64", "dev", "eth0", "nodad")
        self._run(*self.inside(machine, sys.executable, "-c", REAL_CHECKSUMS))

    def _set_name_server(self, machine):
        own = Path("/etc/netns", self.space(machine))
        own.mkdir(parents=True)
        (own / "resolv.conf").write_text(f"nameserver {DNS[0]}\n")
        # What this machine's own file says must not count: other servers do not have it.
        (own / "hosts").write_text(f"{SILENT} step-3-2.example matrix.step-3-2.example\n")

    def _add_space(self, space):
        self._run("ip", "netns", "add", space)
        self.spaces.append(space)

    def inside(self, machine, *words):
        return ["ip", "netns", "exec", self.space(machine), *map(str, words)]

    def start(self, machine, *words, environment=None):
        """Starts a server on a machine; it is stopped with the internet."""
        log = self.directory / f"process-{len(self.processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.inside(machine, *words),
                env=environment or os.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process, log

    def wait_for_port(self, machine, address, port, process, log):
        probe = f"import socket; socket.create_connection(('{address}', {port}), 2)"
        deadline = time.monotonic() + 30 * SLOWNESS
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            if not subprocess.run(
                self.inside(machine, sys.executable, "-c", probe), capture_output=True, check=False
            ).returncode:
                return
            time.sleep(0.05)
        raise AssertionError(f"nothing listens on {address} port {port}: {log.read_text()}")

    def start_dns(self, records, failing):
        """Knot DNS with one zone for the whole internet, and `failing` zones that it cannot load."""
        zone = self.directory / "root.zone"
        lines = ["$TTL 300", ". SOA dns. admin. 1 3600 600 86400 300", ". NS dns.", f"dns. A {DNS[0]}"]
        zone.write_text("\n".join(lines + records) + "\n")
        (self.directory / "knot").mkdir()
        zones = "".join(f"  - domain: {name}\n    file: {self.directory}/missing\n" for name in failing)
        configuration = self.directory / "knot.conf"
        configuration.write_text(
            f"""server:
    listen: [ {DNS[0]}@53, "{DNS[1]}@53" ]
    rundir: {self.directory}/knot
database:
    storage: {self.directory}/knot
log:
  - target: stderr
    any: warning
zone:
  - domain: .
    file: {zone}
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
{zones}"""
        )
        process, log = self.start(
            "dns", find_program("knotd"), "-c", configuration, environment=peer_environment()
        )
        self.wait_for_port("dns", DNS[0], 53, process, log)

    def start_rebinding_dns(self):
        address, port = REBINDING_DNS.split(":")
        self.start("dns", sys.executable, HERE / "rebinding_dns.py", address, port, ODD[0])

    def start_nginx(self, servers):
        """nginx with these server blocks."""
        root = self.directory / "nginx"
        (root / "logs").mkdir(parents=True)
        paths = "".join(
            f"{kind}_temp_path {root}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (root / "nginx.conf").write_text(
            f"""daemon off; worker_processes 1; pid {root}/pid; error_log stderr; user root;
events {{}}
http {{ access_log off; server_names_hash_bucket_size 128; {paths} {servers} }}"""
        )
        process, log = self.start("apex", find_program("nginx"), "-p", root, "-c", root / "nginx.conf")
        self.wait_for_port("apex", NGINX[0], 443, process, log)

    def start_daemon(self, settings):
        """Our daemon with this configuration."""
        file = self.directory / "daemon.conf"
        file.write_text(settings)
        binary = os.environ.get("WELLKNOWND", BUILD / "matrix-wellknownd")
        process, log = self.start("apex", binary, "--config", file)
        self.wait_for_port("apex", DAEMON[0], 443, process, log)

    def start_sites(self, machine, specification):
        file = self.directory / f"sites-{machine}.json"
        file.write_text(json.dumps(specification))
        process, log = self.start(machine, sys.executable, HERE / "sites.py", file)
        deadline = time.monotonic() + 30 * SLOWNESS
        while "ready" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], check=False)
            shutil.rmtree(Path("/etc/netns", space), ignore_errors=True)
        try:
            Path("/etc/netns").rmdir()
        except OSError:
            pass  # someone else's, or never there
