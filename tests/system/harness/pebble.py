"""Pebble, Let's Encrypt's authority for tests, with a DNS in which every name is this machine."""

import json
import os
import ssl
import subprocess
import urllib.request
from pathlib import Path

from .daemon import free_port
from .peers import find
from .waiting import eventually

PROGRAMS = ("pebble", "pebble-challtestsrv")
# A client for which `authority` is the authority that the machine trusts: not every client can be
# told another one.
TRUSTING = (
    'mount -t tmpfs tmpfs /etc/ssl/certs && cp "$1" /etc/ssl/certs/ca-certificates.crt && '
    'shift && exec "$@"'
)


def in_trust_of(authority_file, *command):
    """A command line in which the authority stands in for all that the system trusts."""
    own_mounts = ("unshare", "--mount", "--propagation", "private")
    return [*own_mounts, "sh", "-c", TRUSTING, "sh", str(authority_file), *map(str, command)]


class Pebble:
    """`directory` is the URL for clients, `https_port` and `http_port` are where it asks. `prefix`
    is a command that runs another one, on another network say."""

    def __init__(
        self, folder, authority, *, lifetime=90 * 86400, blocked=(), https_port=0, environment=None,
        prefix=(),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.https_port = https_port or free_port()
        self.http_port, self.port, self._management, self._dns, self._dns_management = (
            free_port() for _ in range(5)
        )
        self._authority = authority
        self.directory = f"https://localhost:{self.port}/dir"
        certificate, key = authority.issue("localhost").write(folder)
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": self.http_port,
            "tlsPort": self.https_port,
            "certificateValidityPeriod": lifetime,
            "domainBlocklist": list(blocked),
        }
        configuration = folder / "pebble.json"
        configuration.write_text(json.dumps({"pebble": settings}))
        dns = [
            *(find("pebble-challtestsrv"), "-dns01", f"127.0.0.1:{self._dns}"),
            *("-management", f"127.0.0.1:{self._dns_management}", "-defaultIPv6", ""),
            *("-http01", "", "-https01", "", "-tlsalpn01", ""),
        ]
        pebble = [find("pebble"), "-config", configuration, "-dnsserver", f"127.0.0.1:{self._dns}"]
        # Challenges are really asked for, and some good nonces are refused, as on the internet.
        circumstances = {"PEBBLE_VA_ALWAYS_VALID": "0", "PEBBLE_WFE_NONCEREJECT": "5"}
        variables = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", **circumstances, **(environment or {})}
        self._processes = []
        for name, command in (("dns", dns), ("pebble", pebble)):
            with (folder / f"{name}.log").open("wb") as log:
                self._processes.append(
                    subprocess.Popen(
                        [*map(str, prefix), *map(str, command)],
                        env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    )
                )
        eventually(lambda: "ACME directory available" in self.log, "Pebble's start", 30)

    @property
    def log(self):
        return (self.folder / "pebble.log").read_text(errors="backslashreplace")

    def root(self):
        """The file of the root by which its certificates are signed."""
        context = ssl.create_default_context(cafile=self._authority.file)
        url = f"https://localhost:{self._management}/roots/0"
        file = Path(self.folder / "root.pem")
        with urllib.request.urlopen(url, context=context) as answer:
            file.write_bytes(answer.read())
        return file

    def resolve(self, name, *addresses):
        """Has DNS lead this name to other addresses."""
        body = json.dumps({"host": name, "addresses": addresses}).encode()
        url = f"http://127.0.0.1:{self._dns_management}/add-a"
        with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
            assert answer.status == 200

    def stop(self):
        for process in self._processes:
            process.kill()
            process.wait()
