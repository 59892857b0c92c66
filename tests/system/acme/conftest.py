"""An authority for tests, a daemon that it asks, and the clients between them."""

import pytest
from apex import Apex, needed
from harness.pebble import PROGRAMS, Pebble
from obstacles import Obstacles


@pytest.fixture(scope="session")
def pebble(tmp_path_factory, authority):
    """Pebble, as it comes but for the pauses that it makes on purpose."""
    needed(*PROGRAMS)
    pebble = Pebble(tmp_path_factory.mktemp("pebble"), authority, blocked=["blocked.example"])
    yield pebble
    print(pebble.log)
    pebble.stop()


@pytest.fixture
def apex(start, pebble, authority, tmp_path):
    needed("uacme", "openssl")
    return Apex(start, pebble, authority, tmp_path)


@pytest.fixture
def enabled(apex):
    """The same with a certificate of our command's, which is served."""
    apex.serve_ours()
    apex.tool("enable", "example.com")
    apex.wait_until_served()
    return apex


@pytest.fixture
def obstacles(pebble, authority, tmp_path):
    """An authority with obstacles before it."""
    obstacles = Obstacles(pebble, authority, tmp_path)
    yield obstacles
    obstacles.stop()


@pytest.fixture
def obstructed(apex, obstacles):
    """A daemon with a certificate that our command has by way of the obstacles."""
    apex.serve_ours()
    apex.tool("enable", "example.com", directory=obstacles.directory)
    apex.wait_until_served()
    return apex
