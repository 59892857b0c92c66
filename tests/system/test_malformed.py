"""10,000 malformed requests over each listener, and connections that come to nothing."""

import concurrent.futures
import itertools
import random
import re
import socket
import struct

import pytest
from harness.daemon import is_sanitized
from harness.malformed import Generator, is_malformed
from harness.waiting import eventually, scaled
from harness.wire import request_bytes
from test_logs import COMBINED

COUNT = 10_000
THREADS = 8
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@pytest.fixture(scope="module")
def daemon(start_once, site):
    return start_once.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        metrics_listen = {{ "127.0.0.1:0" }}
        request_timeout = {round(scaled(5))}
        access_log = true
        {site.settings(start_once.directory)}
        domain "example.com" {{
            server = "matrix.example.com:8448"
            client = "https://matrix.example.com"
            redirect = "https://www.example.com"
        }}
        """
    )


@pytest.mark.parametrize(
    "request_", (request_bytes(), request_bytes(method="POST", body=b"x"), request_bytes("/|{}"))
)
def test_the_parser_that_judges_knows_a_good_request(request_):
    assert not is_malformed(request_)


def all_that_comes_back(endpoint, request):
    """What the daemon says to these bytes, of which the client says that there are no more."""
    with endpoint.connect() as connection:
        try:
            connection.send(request)
            connection.stream.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return connection.read_to_end()


def what_is_wrong(endpoint, requests):
    """Each request of these that was answered with anything but 4xx, with its answer."""
    wrong = []
    for request in requests:
        answer = all_that_comes_back(endpoint, request)
        statuses = STATUS.findall(answer)
        if (answer and not statuses) or any(status[:1] != b"4" for status in statuses):
            wrong.append((request, answer))
    return wrong


@pytest.mark.parametrize("kind", ("http", "https", "metrics"))
def test_10000_malformed_requests_are_answered_4xx_or_closed(daemon, kind):
    endpoint = getattr(daemon, kind)[0]
    count = COUNT if kind != "metrics" else COUNT // 10
    requests = list(itertools.islice(Generator(random.Random(2026)), count))
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        shares = [requests[i::THREADS] for i in range(THREADS)]
        results = pool.map(lambda share: what_is_wrong(endpoint, share), shares)
    wrong = [each for result in results for each in result]
    assert not wrong, f"{len(wrong)} of {count}, as {wrong[:5]}"
    assert daemon.process.poll() is None
    assert daemon.http[0].serves() and daemon.https[0].serves()


def test_none_of_them_reached_the_access_log_unescaped(daemon):
    assert daemon.http[0].get("/the-last-one", method="POST").status == 308
    daemon.wait_for_log("/the-last-one")
    lines = daemon.error_file.read_bytes().split(b"\n")
    entries = [line for line in lines if b" - - [" in line]
    assert len(entries) > COUNT / 10, "so few of them got as far as the log"
    for line in entries:
        assert re.fullmatch(rb"[\x20-\x7e]+", line), line
        assert COMBINED.fullmatch(line.decode()), line
    for line in lines:
        assert not re.search(rb"[\x00-\x1f\x7f]", line), line


def open_and_leave(endpoint, count, how):
    for _ in range(count):
        with endpoint.open() as plain:
            if how == "reset":
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# 100,000 in all. Of those that the client closes, the kernel remembers each port for a minute, and
# there are but 28,000 of them.
@pytest.mark.parametrize(("how", "count"), (("close", 10_000), ("reset", 40_000)))
@pytest.mark.parametrize("kind", ("http", "https"))
def test_connections_that_come_to_nothing_leave_nothing(daemon, kind, how, count):
    endpoint = getattr(daemon, kind)[0]
    open_and_leave(endpoint, 500, how)
    assert eventually(endpoint.serves, "the endpoint to serve")
    descriptors, memory = daemon.descriptor_count(), daemon.resident_kib()
    open_and_leave(endpoint, count, how)
    eventually(lambda: daemon.descriptor_count() <= descriptors, "the descriptors to be closed")
    assert endpoint.serves()
    if not is_sanitized():
        assert daemon.resident_kib() - memory < 256
