"""Limits of memory that come with the daemon: no smaller than what doc/security.md says it may need."""

import re

import pytest
from harness.daemon import PROJECT

PAGE = (PROJECT / "doc" / "security.md").read_text()
CONNECTIONS = 1024  # the default of max_connections
REST = 8 << 20


def kib(pattern):
    return int(re.search(pattern, PAGE)[1]) << 10


KERNEL = kib(r"(\d+) KiB a connection in the\s+kernel")
BY_TLS = kib(r"(\d+) KiB a connection in the process")
PLAIN = kib(r"A plain connection takes (\d+) KiB")


@pytest.mark.parametrize(
    ("file", "pattern", "connection"),
    (
        ("debian/matrix-wellknownd.service.in", r"^MemoryMax=(\d+)M$", BY_TLS),
        ("container/kubernetes/base/deployment.yaml", r"limits:\s+memory: (\d+)Mi", PLAIN),
        ("container/kubernetes/https/deployment.yaml", r"limits:\s+memory: (\d+)Mi", BY_TLS),
    ),
)
def test_a_limit_has_room_for_all_connections(file, pattern, connection):
    limit = int(re.search(pattern, (PROJECT / file).read_text(), re.MULTILINE)[1])
    assert limit << 20 >= CONNECTIONS * (connection + KERNEL) + REST
    assert re.search(rf"\| {limit} MiB \|", PAGE)
