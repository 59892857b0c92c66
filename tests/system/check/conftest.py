"""The test internet, built once, and the tester run in it."""

import subprocess
from pathlib import Path

import cases_bad  # noqa: F401  (declares its cases)
import cases_good  # noqa: F401
import cases_traps  # noqa: F401
import pytest
import world
from authority import Authority
from internet import BUILD, HOME, ODD, SECOND_HOME, PRIVATE, SLOWNESS, Internet, why_not

TESTER = BUILD / "matrix-delegation-check"


def pytest_configure(config):
    # One certificate is weak on purpose.
    config.addinivalue_line("filterwarnings", "ignore:SHA1 signatures")


class Internets:
    """What tests ask: the tester, run on a machine of its own."""

    def __init__(self, internet, authorities):
        self.internet = internet
        self.authorities = authorities
        self.caught = internet.directory / "caught"  # what the traps on the tester's machine saw

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
        "sites": world.sites(kind, authorities),
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
        built.start_dns(world.zone_records(), world.failing_zones())
        built.start_nginx(world.nginx_servers(authorities))
        built.start_daemon(world.daemon_settings(authorities))
        odd = site_specification("apex", [ODD], [443], authorities)
        odd["plain"] = [[ODD[0], 80]]
        odd["plain_routes"] = {
            "/plain-document": world.page({"m.server": "matrix.redirects-to-plain-http.example:8448"})
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
