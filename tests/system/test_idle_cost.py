"""Clients that do nothing cost no CPU: the daemon must sleep, whatever state they stopped in.

libmicrohttpd's TLS under epoll, for one, spins on a client that sent only a ClientHello.
"""

import contextlib
import socket
import time

import pytest
from harness.waiting import eventually
from harness.wire import client_hello, request_bytes

CLIENTS = 50
SECONDS = 2
SHARE_OF_A_CORE = 0.1


@pytest.fixture
def daemon(start, site):
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        max_connections_per_ip = 100
        request_timeout = 60
        keepalive_timeout = 60
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )


def is_done(daemon):
    before = daemon.cpu_seconds()
    time.sleep(0.3)
    return daemon.cpu_seconds() == before


def cpu_share_with(daemon, arrange):
    """The share of a core that the daemon takes while clients stay as `arrange` leaves them."""
    with contextlib.ExitStack() as clients:
        for _ in range(CLIENTS):
            clients.enter_context(contextlib.closing(arrange()))
        eventually(lambda: is_done(daemon), "what the arrangement itself costs to be over", 30)
        before, started = daemon.cpu_seconds(), time.monotonic()
        time.sleep(SECONDS)
        share = (daemon.cpu_seconds() - before) / (time.monotonic() - started)
        assert (daemon.https[0]).get().status == 200
    return share


def stopped_after(endpoint, sent, half_closed=False):
    def arrange():
        client = endpoint.open()
        client.sendall(sent)
        if half_closed:
            client.shutdown(socket.SHUT_WR)
        return client

    return arrange


def test_a_client_that_stops_after_its_clienthello_costs_no_cpu(daemon):
    share = cpu_share_with(daemon, stopped_after(daemon.https[0], client_hello()))
    assert share < SHARE_OF_A_CORE


def test_a_client_that_stops_within_its_clienthello_costs_no_cpu(daemon):
    share = cpu_share_with(daemon, stopped_after(daemon.https[0], client_hello()[:100]))
    assert share < SHARE_OF_A_CORE


def test_a_client_that_only_connects_costs_no_cpu(daemon):
    assert cpu_share_with(daemon, stopped_after(daemon.https[0], b"")) < SHARE_OF_A_CORE
    assert cpu_share_with(daemon, stopped_after(daemon.http[0], b"")) < SHARE_OF_A_CORE


def test_a_client_that_half_closes_costs_no_cpu(daemon):
    for endpoint, sent in (
        (daemon.https[0], client_hello()),
        (daemon.https[0], b""),
        (daemon.http[0], request_bytes()[:-2]),
    ):
        share = cpu_share_with(daemon, stopped_after(endpoint, sent, half_closed=True))
        assert share < SHARE_OF_A_CORE


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_client_that_stops_within_its_request_costs_no_cpu(daemon, kind):
    def arrange():
        connection = getattr(daemon, kind)[0].connect()
        connection.send(request_bytes()[:-2])
        return connection

    assert cpu_share_with(daemon, arrange) < SHARE_OF_A_CORE


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_kept_connection_costs_no_cpu(daemon, kind):
    def arrange():
        connection = getattr(daemon, kind)[0].connect()
        connection.request()
        return connection

    assert cpu_share_with(daemon, arrange) < SHARE_OF_A_CORE


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_client_that_does_not_read_its_answers_costs_no_cpu(daemon, kind):
    def arrange():
        deaf = getattr(daemon, kind)[0].connect()
        deaf.stream.settimeout(0.02)
        with contextlib.suppress(TimeoutError):
            while True:  # until the answers have filled every buffer, and then the requests
                deaf.send(request_bytes() * 500)
        return deaf

    assert cpu_share_with(daemon, arrange) < SHARE_OF_A_CORE


def test_at_the_limit_of_connections_waiting_clients_cost_no_cpu(start, site):
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        max_connections = 10
        request_timeout = 60
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )
    with contextlib.ExitStack() as clients:
        for _ in range(CLIENTS):
            clients.enter_context(daemon.http[0].open())
        eventually(lambda: is_done(daemon), "what the arrangement itself costs to be over", 30)
        before = daemon.cpu_seconds()
        time.sleep(SECONDS)
        assert (daemon.cpu_seconds() - before) / SECONDS < SHARE_OF_A_CORE


def test_without_clients_the_daemon_sleeps(daemon):
    before = daemon.cpu_seconds()
    time.sleep(SECONDS)
    assert (daemon.cpu_seconds() - before) / SECONDS < SHARE_OF_A_CORE / 10
