"""TLS records as no usual client cuts and orders them: each request among them gets its answer."""

import contextlib
import socket
import time

import pytest
from harness.tls_peer import APPLICATION_DATA, HANDSHAKE, TLS12, TLS13, TlsError, TlsPeer
from harness.wire import request_bytes
UNEXPECTED_MESSAGE = 10
PARTS_OF_MESSAGES = ((b"\x18\0", b"\0\1"), (b"\x18\0\0\1",), (b"\x18\1\0\0" + bytes(99),))


@pytest.fixture
def daemon(start, site):
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )


@contextlib.contextmanager
def connected(daemon, priorities=TLS13):
    plain = daemon.https[0].open()
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with TlsPeer(plain, priorities=priorities) as peer:
        yield peer.handshake()


BEFORE = {
    "an empty record": lambda peer: peer.empty_record(),
    "100 empty records": lambda peer: [peer.empty_record() for _ in range(100)],
    "a KeyUpdate": lambda peer: peer.key_update(),
    "a KeyUpdate that asks for another": lambda peer: peer.key_update(ask_for_theirs=True),
    "a KeyUpdate between empty records": lambda peer: (
        peer.empty_record(),
        peer.key_update(),
        peer.empty_record(),
    ),
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_a_request_in_one_segment_with(daemon, before):
    with connected(daemon) as peer:
        for _ in range(2):
            before(peer)
            peer.data(request_bytes())
            peer.flush()
            assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_it_in_the_segment_of_the_finished_message(daemon, before):
    """The whole second flight, what is odd, and the request, all at once."""
    with connected(daemon) as peer:  # nothing was flushed since Finished
        assert peer.outgoing
        before(peer)
        peer.data(request_bytes())
        peer.flush()
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_it_within_a_request_between_two_and_within_a_body(daemon, before):
    request = request_bytes(method="POST", body=b"x" * 100)
    with connected(daemon) as peer:
        for part in (request[:20], request[20:-50], request[-50:], request_bytes()):
            peer.data(part)
            before(peer)
        peer.flush()
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 405 ")
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("priorities", (TLS12, TLS13), ids=("TLS 1.2", "TLS 1.3"))
def test_a_request_in_records_of_one_byte(daemon, priorities):
    with connected(daemon, priorities) as peer:
        for byte in request_bytes():
            peer.data(bytes([byte]))
        peer.flush()
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("priorities", (TLS12, TLS13), ids=("TLS 1.2", "TLS 1.3"))
def test_a_body_in_records_of_16_kb_that_come_in_pieces(daemon, priorities):
    body = b"x" * 60_000
    with connected(daemon, priorities) as peer:
        peer.data(request_bytes(method="POST", body=body)[: -len(body)])
        for begin in range(0, len(body), 16384):
            peer.data(body[begin : begin + 16384])
        sent, peer.outgoing = bytes(peer.outgoing), bytearray()
        for begin in range(0, len(sent), 1000):
            peer.plain.sendall(sent[begin : begin + 1000])
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 405 ")


def test_many_requests_in_one_segment_with_empty_records_between(daemon):
    with connected(daemon) as peer:
        for _ in range(40):
            peer.data(request_bytes())
            peer.empty_record()
        peer.flush()
        answers = b""
        while answers.count(b"HTTP/1.1 200 ") < 40:
            answers += peer.read()


@pytest.mark.parametrize("padding", (0, 100, 6000))
@pytest.mark.parametrize("begin", PARTS_OF_MESSAGES)
@pytest.mark.parametrize("in_one_segment", (True, False))
def test_an_empty_record_within_a_handshake_message_is_refused(
    daemon, begin, padding, in_one_segment
):
    """RFC 8446, section 5.1. GnuTLS would loop for ever."""
    with connected(daemon) as peer:
        peer.data(request_bytes())
        peer.flush()
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")
        for piece in begin:
            peer.record(HANDSHAKE, piece)
            if not in_one_segment:
                peer.flush()
                time.sleep(0.05)
        peer.record(HANDSHAKE, b"", padding)
        peer.flush()
        with pytest.raises(TlsError) as refusal:
            assert peer.read() != b""
        assert refusal.value.alert in (UNEXPECTED_MESSAGE, None)
    with connected(daemon) as peer:
        peer.data(request_bytes())
        peer.flush()
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


def test_padded_records_are_answered(daemon):
    with connected(daemon) as peer:
        for padding in (0, 1, 1000, 10_000):
            for part in (request_bytes()[:5], b"", request_bytes()[5:]):
                peer.record(APPLICATION_DATA, part, padding)
            peer.flush()
            assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("cipher", ("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"))
def test_a_request_in_pieces_with_each_cipher(daemon, cipher):
    priorities = TLS13.replace(b"AES-128-GCM", cipher.encode())
    with connected(daemon, priorities) as peer:
        for _ in range(3):
            for byte in request_bytes():
                peer.data(bytes([byte]))
            peer.key_update()
            peer.flush()
            assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")
