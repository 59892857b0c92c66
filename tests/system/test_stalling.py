"""Crowds of clients that stall: they cost next to nothing, delay nobody, and are gone in time."""

import contextlib
import re
import resource
import socket
import ssl
import statistics
import time

import pytest
from harness.daemon import is_sanitized
from harness.waiting import eventually, scaled
from harness.wire import client_hello, request_bytes

STOPPED = 500  # clients that stop after their ClientHello
DRIPPING = 2000  # clients that send one byte a second
SECONDS = 10
REQUEST_TIMEOUT = 14  # seconds: all of them stay for the whole measurement
SHARE_OF_A_CORE = 0.02


@pytest.fixture(autouse=True)
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * (STOPPED + DRIPPING):
        pytest.skip(f"the limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def daemon(start, site):
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        metrics_listen = {{ "127.0.0.1:0" }}
        max_connections = 6000
        max_connections_per_ip = 6000
        request_timeout = {REQUEST_TIMEOUT}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )


def drip(clients, message, position):
    for client in clients:
        with contextlib.suppress(OSError):
            client.send(message[position : position + 1])


def median_fetch(daemon, count=20):
    def fetch():
        begin = time.monotonic()
        assert daemon.https[0].get().status == 200
        return time.monotonic() - begin

    return statistics.median(fetch() for _ in range(count))


def open_connections(daemon):
    text = daemon.metrics[0].get("/metrics").body.decode()
    (line,) = re.findall(r"^matrix_wellknownd_connections .*", text, re.M)
    return int(line.split()[1])


@pytest.mark.quiet
def test_a_crowd_that_stalls_costs_little_delays_nobody_and_is_gone_in_time(daemon):
    alone = median_fetch(daemon)
    hello = client_hello()
    with contextlib.ExitStack() as clients:
        for _ in range(STOPPED):
            clients.enter_context(contextlib.closing(daemon.https[0].open())).sendall(hello)
        dripping = [
            clients.enter_context(contextlib.closing(daemon.https[0].open()))
            for _ in range(DRIPPING)
        ]
        arrived = time.monotonic()
        before, in_crowd = daemon.cpu_seconds(), []
        for second in range(SECONDS):
            begin = time.monotonic()
            drip(dripping, hello, second)
            fetching = daemon.cpu_seconds()
            in_crowd.append(median_fetch(daemon))
            before += daemon.cpu_seconds() - fetching  # those were honest work
            time.sleep(max(0, 1 - (time.monotonic() - begin)))
        share = (daemon.cpu_seconds() - before) / (time.monotonic() - arrived)
        gone = arrived + REQUEST_TIMEOUT + scaled(1) - time.monotonic()
        eventually(lambda: open_connections(daemon) <= 1, "the crowd to be gone", timeout=gone)
    assert share < (1 if is_sanitized() else SHARE_OF_A_CORE)
    # The quietest second counts: the others have the work of the machine's other users in them.
    assert is_sanitized() or min(in_crowd) < 2 * max(alone, median_fetch(daemon))


@pytest.mark.parametrize("kind", ("http", "https"))
def test_headers_that_drip_cost_little_and_end_at_the_deadline(daemon, kind):
    endpoint = getattr(daemon, kind)[0]
    request = request_bytes()
    with contextlib.ExitStack() as clients:
        dripping = [
            clients.enter_context(contextlib.closing(endpoint.connect())) for _ in range(300)
        ]
        arrived, before = time.monotonic(), daemon.cpu_seconds()
        for second in range(5):
            for client in dripping:
                with contextlib.suppress(OSError):
                    client.send(request[second : second + 1])
            time.sleep(1)
        share = (daemon.cpu_seconds() - before) / (time.monotonic() - arrived)
        wait = REQUEST_TIMEOUT + scaled(3)
        eventually(lambda: open_connections(daemon) <= 1, "all to be ended", timeout=wait)
    assert share < (1 if is_sanitized() else 2 * SHARE_OF_A_CORE)


def test_a_handshake_that_was_suspended_can_still_be_finished(daemon):
    """It is taken out of the library's sight after 100 ms; then its client goes on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="example.com")
    with contextlib.closing(daemon.https[0].open()) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(10):
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.sendall(outgoing.read())
                incoming.write(client.recv(65536))
        last = outgoing.read()
        for at in range(0, len(last), 10):
            time.sleep(0.15)
            assert daemon.https[0].get().status == 200  # makes the library run
            client.sendall(last[at : at + 10])
        tls.write(request_bytes())
        client.sendall(outgoing.read())
        answer = b""
        while b"m.example:1" not in answer:
            received = client.recv(65536)
            assert received
            incoming.write(received)
            with contextlib.suppress(ssl.SSLWantReadError):
                while record := tls.read(65536):
                    answer += record
