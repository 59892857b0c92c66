"""Fixtures of the tests of the Debian packages: packages built, machines booted."""

import os

import pytest
from debian_machine import Machine
from debian_packages import base_tree, build_twice, needed
from harness.certificates import Certbot
from harness.daemon import PROJECT, is_sanitized

# The packages are built without sanitizers: they are tested where the program is, too.
# A release has no debian/ in it.
if is_sanitized() or not (PROJECT / "debian").is_dir():
    collect_ignore_glob = ["test_*.py"]

LETSENCRYPT = "/etc/letsencrypt"
ANSWERS = {"domain": "example.com", "server": "matrix.example.com:8448"}


@pytest.fixture(scope="session")
def builds(tmp_path_factory):
    """The packages, built twice."""
    needed("dpkg-buildpackage", "dh", "dh_apparmor", "lintian")
    return build_twice(tmp_path_factory.mktemp("packages") / "sources")


@pytest.fixture(scope="session")
def packages(builds):
    return builds[0]


@pytest.fixture(scope="session")
def boot(packages, tmp_path_factory):
    """Boots a Debian without our packages; the caller stops it."""
    if os.geteuid() != 0:
        pytest.skip("only root can boot a Debian")
    tree = base_tree([packages["matrix-wellknownd"], packages["matrix-delegation-check"]])
    folder = tmp_path_factory.mktemp("machines")

    def new_machine():
        return Machine(tree, folder / f"{len(list(folder.iterdir()))}.log")

    return new_machine


@pytest.fixture
def machine(boot):
    """A Debian of this test's own."""
    machine = boot()
    yield machine
    machine.stop()


class MachineCertbot(Certbot):
    """What certbot leaves on a machine: folders and keys that are root's alone."""

    def __init__(self, machine, pair):
        super().__init__(machine.path(LETSENCRYPT), pair)
        for folder in (self.archive.parent, self.live.parent):
            folder.chmod(0o700)

    def replace(self, pair):
        super().replace(pair)
        for file in self.archive.iterdir():
            file.chmod(0o600)


def install_answered(machine, packages, pair):
    """Installs both packages with preseeded answers and certbot's certificate."""
    certbot = MachineCertbot(machine, pair)
    machine.preseed(**ANSWERS)
    machine.install(packages["matrix-wellknownd"], packages["matrix-delegation-check"])
    return certbot
