"""The attackers' world, and the table of what they did."""

import os
import shutil
import subprocess
from pathlib import Path

import figures
import network
import pytest
from harness.daemon import is_sanitized
from network import HTTP_PORT, HTTPS_PORT
from trial import MAX_CONNECTIONS


@pytest.fixture(scope="session")
def attacker(tmp_path_factory):
    """The program of attacker.c."""
    if missing := [tool for tool in ("cc", "pkg-config") if not shutil.which(tool)]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    program = tmp_path_factory.mktemp("attacker") / "attacker"
    line = ["pkg-config", "--cflags", "--libs", "gnutls"]
    flags = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    source = Path(__file__).with_name("attacker.c")
    line = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", source, "-o", program, *flags]
    subprocess.run(line, check=True)
    return program


@pytest.fixture(scope="session")
def world(attacker):
    if reason := network.why_not():
        pytest.skip(reason)
    world = network.World(attacker)
    yield world
    world.close()


@pytest.fixture(scope="session")
def rows(request):
    """The rows of doc/attacks.md's table, in order; `make soak` writes them there, all or none."""
    rows = []
    yield rows
    chosen = request.config.option.keyword or is_sanitized()
    if rows and os.environ.get("WELLKNOWND_SOAK") and not chosen:
        figures.write_page(rows, figures.introduction())


@pytest.fixture
def daemon(world, start, site):
    folder = start.directory
    return start.configured(
        f"""
        listen = {{ "0.0.0.0:{HTTPS_PORT}" }}
        listen_http = {{ "0.0.0.0:{HTTP_PORT}", "unix:{folder}/http.sock" }}
        metrics_listen = {{ "unix:{folder}/metrics.sock" }}
        max_connections = {MAX_CONNECTIONS}
        {site.settings(folder)}
        domain "example.com" {{ server = "matrix.example.com:8448" }}
        """,
        starter=world.inside("server"),
    )
