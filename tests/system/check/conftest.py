"""The test internet, built once, and the tester run in it."""

import json
import subprocess
from pathlib import Path

import cases  # noqa: F401  (declares them)
import pytest
from world import domains
from world.authority import Authority
from world.internet import BUILD, HOME, ODD, PRIVATE, SECOND_HOME, SLOWNESS, Internet, why_not

TESTER = BUILD / "matrix-delegation-check"


def pytest_configure(config):
    # One certificate is weak on purpose.
    config.addinivalue_line("filterwarnings", "ignore:SHA1 signatures")


class Internets:
    """What tests ask: the tester, run on a machine of its own."""

    def __init__(self, internet, authorities):
        self.internet = internet
        self.authorities = authorities
        self.reports = {}
        self.caught = internet.directory / "caught"  # what the traps on the tester's machine saw

    def report(self, name):
        """The finished process and the JSON report of a case, which is run once."""
        if name not in self.reports:
            case = domains.CASES[name]
            run = self.check("--json", *case.arguments, case.domain.server_name)
            assert run.stderr == ""
            self.reports[name] = run, json.loads(run.stdout)
        return self.reports[name]

    def check(self, *arguments, ca=True, machine="tester"):
        """Runs the tester to its end; returns the finished process."""
        words = [TESTER, "--timeout", str(int(10 * SLOWNESS))]
        words += ["--ca", self.authorities["known"].file] if ca else []
        return subprocess.run(
            self.internet.inside(machine, *words, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120 * SLOWNESS,
            check=False,
        )


def site_specification(kind, addresses, ports, authorities):
    return {
        "listen": [[address, port] for pair in addresses for address in pair for port in ports],
        "sites": domains.sites(kind, authorities),
    }


@pytest.fixture(scope="session")
def internet(tmp_path_factory):
    reason = why_not()
    if reason:
        pytest.skip(reason)
    directory = Path(tmp_path_factory.mktemp("internet"))
    authorities = {
        "known": Authority(directory, "known"),
        "unknown": Authority(directory, "unknown"),
    }
    built = Internet(directory)
    try:
        built.build()
        built.start_dns(domains.zone_records(), domains.failing_zones())
        built.start_nginx(domains.nginx_servers(authorities))
        built.start_daemon(domains.daemon_settings(authorities))
        odd = site_specification("apex", [ODD], [443], authorities)
        odd["plain"] = [[ODD[0], 80]]
        odd["plain_routes"] = {
            "/plain-document": domains.page(
                {"m.server": "matrix.redirects-to-plain-http.example:8448"}
            ),
            "/plain-client-document": domains.page(
                {
                    "m.homeserver": {
                        "base_url": "https://matrix.client-redirect-to-plain-http.example:8448"
                    }
                }
            ),
        }
        built.start_sites("apex", odd)
        home = site_specification("home", [HOME, SECOND_HOME, PRIVATE], [8448, 8449], authorities)
        home["listen"].append([HOME[0], 443])
        home["mute"] = [[HOME[0], 8007]]
        home["plain"] = [[HOME[0], 8008]]
        built.start_sites("home", home)
        built.start_rebinding_dns()
        ports = [443, 8080, 8448]
        traps = [[address, port] for address in ("0.0.0.0", "::") for port in ports]
        caught = directory / "caught"
        caught.touch()
        built.start_sites("tester", {"sites": {}, "listen": [], "trap": traps, "caught": str(caught)})
        yield Internets(built, authorities)
    finally:
        built.close()
