"""Clients that leave, or that say that they will send no more: their place is free at once."""

import re
import socket

import pytest
from harness.tls_peer import TLS12, TLS13, TlsPeer
from harness.waiting import eventually
from harness.wire import client_hello, request_bytes

REQUEST_TIMEOUT = 120  # longer than any test waits


@pytest.fixture
def daemon(start, site):
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        metrics_listen = {{ "127.0.0.1:0" }}
        request_timeout = {REQUEST_TIMEOUT}
        keepalive_timeout = {REQUEST_TIMEOUT}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )


def others(daemon):
    """How many connections there are besides the one that asks."""
    text = daemon.metrics[0].get("/metrics", host="localhost").body.decode()
    return int(re.search(r"^matrix_wellknownd_connections (\d+)", text, re.MULTILINE)[1]) - 1


HELLO = client_hello()
SENT = {
    "nothing": ("https", b""),
    "a byte of a ClientHello": ("https", HELLO[:1]),
    "half a ClientHello": ("https", HELLO[: len(HELLO) // 2]),
    "a ClientHello": ("https", HELLO),
    "a ClientHello and half a record": ("https", HELLO + b"\x17\x03\x03\x01\x00" + bytes(50)),
    "nothing, plain": ("http", b""),
    "half a request": ("http", request_bytes()[:-2]),
    "a request and a half": ("http", request_bytes() + request_bytes()[:-2]),
    "half a body": ("http", request_bytes(method="POST", body=b"x" * 100)[:-50]),
    "a request": ("http", request_bytes()),
}


@pytest.mark.parametrize("how", ("close", "half-close"))
@pytest.mark.parametrize(("kind", "sent"), SENT.values(), ids=SENT)
def test_a_client_that_leaves_takes_no_place(daemon, kind, sent, how):
    with getattr(daemon, kind)[0].open() as plain:
        if sent:
            plain.sendall(sent)
            eventually(lambda: others(daemon) == 1, "it to be accepted")
        if how == "half-close":
            plain.shutdown(socket.SHUT_WR)
        else:
            plain.close()
        eventually(lambda: others(daemon) == 0, "its place to be free")


@pytest.mark.parametrize("how", ("close", "half-close"))
@pytest.mark.parametrize(("kind", "sent"), SENT.values(), ids=SENT)
def test_many_that_send_and_leave_at_once_take_no_place(daemon, kind, sent, how):
    """What they send comes together with their end, more often than not."""
    connections = [getattr(daemon, kind)[0].open() for _ in range(40)]
    for plain in connections:
        plain.sendall(sent)
        if how == "half-close":
            plain.shutdown(socket.SHUT_WR)
        else:
            plain.close()
    eventually(lambda: others(daemon) == 0, "their places to be free")
    for plain in connections:
        plain.close()


@pytest.mark.parametrize("count", (1, 3))
def test_plain_requests_before_a_half_close_are_answered(daemon, count):
    with daemon.http[0].connect() as connection:
        connection.send(request_bytes() * count)
        connection.stream.shutdown(socket.SHUT_WR)
        for _ in range(count):
            assert connection.read_answer().status == 200
        assert connection.read_to_end() == b""


@pytest.mark.parametrize("priorities", (TLS12, TLS13), ids=("TLS 1.2", "TLS 1.3"))
def test_tls_requests_before_a_half_close_are_answered(daemon, priorities):
    with daemon.https[0].open() as plain, TlsPeer(plain, priorities=priorities) as peer:
        peer.handshake()
        for _ in range(3):
            peer.data(request_bytes())
        peer.flush()
        plain.shutdown(socket.SHUT_WR)
        for _ in range(3):
            assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")
        eventually(lambda: others(daemon) == 0, "its place to be free")
