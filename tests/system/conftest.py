"""Fixtures of the system tests; see harness/ for what they hand out.

Environment: WELLKNOWND is the program under test (default: build/matrix-wellknownd beside the
sources), WELLKNOWND_TEST_SLOWNESS multiplies every time-out (default: 1), and WELLKNOWND_SOAK, if
set, lets those run that take a minute or more.
"""

import os

import pytest
from harness.certificates import Authority
from harness.daemon import BINARY, Starter
from harness.wire import trusting


def pytest_sessionstart(session):
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is no program: build it, or set WELLKNOWND to its path", 1)


def pytest_collection_modifyitems(items):
    if os.environ.get("WELLKNOWND_SOAK"):
        return
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.skip(reason="takes a minute or more: make soak"))


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The certificate authority that every client of these tests trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority):
    """The context of a client that trusts the authority and checks the name."""
    return trusting(authority.file)


@pytest.fixture
def start(tmp_path, tls):
    """Starts the daemon with the given arguments and waits for its `ready` line."""
    starter = Starter(tmp_path, tls)
    yield starter
    starter.stop_all()


@pytest.fixture(scope="module")
def start_once(tmp_path_factory, tls):
    """The same for a daemon that all tests of a module share."""
    starter = Starter(tmp_path_factory.mktemp("shared"), tls)
    yield starter
    starter.stop_all()


@pytest.fixture(scope="session")
def site(authority):
    """A pair for example.com, for tests that only need some good certificate."""
    return authority.issue("example.com", "localhost")
