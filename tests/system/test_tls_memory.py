"""What one client can make the daemon hold, in every state of TLS: never more than the documents
say, whatever it sends, and each connection ends with an alert instead of growing."""

import contextlib
import re
import resource
import socket
import struct
import time

import pytest
from harness.daemon import PROJECT, is_sanitized
from harness.tls_peer import HANDSHAKE, TLS12, TLS13, TlsError, TlsPeer
from harness.waiting import eventually
from harness.wire import client_hello, request_bytes

FEW, MANY = 60, 1024
SECURITY = (PROJECT / "doc" / "security.md").read_text()
# The kernel's buffers are not in the resident set.
BOUND_KIB = int(re.search(r"(\d+) KiB a connection in the process", SECURITY)[1])
ALERT, UNEXPECTED_MESSAGE = 21, 10
BUDGET = 36 * 1024
WHOLE = 1 << 24  # the length of no handshake message: it is one too large

CLIENT_KEY_EXCHANGE, KEY_UPDATE = 16, 24


def records(message, size=16384, kind=HANDSHAKE):
    """A handshake message as unprotected records."""
    return b"".join(
        struct.pack("!BHH", kind, 0x0303, len(part)) + part
        for part in (message[begin : begin + size] for begin in range(0, len(message), size))
    )


def handshake_message(kind, body, length=None):
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


def extension(number, content):
    return struct.pack("!HH", number, len(content)) + content


def listed(content, size=2):
    return len(content).to_bytes(size, "big") + content


def hello(*, padding=0, share=True, length=None):
    """A TLS 1.3 ClientHello; without a share it asks for a HelloRetryRequest."""
    key_share = struct.pack("!H", 29) + listed(bytes(31) + b"\x09") if share else b""
    extensions = (
        extension(0, listed(b"\0" + listed(b"example.com")))
        + extension(43, listed(b"\x03\x04", 1))
        + extension(10, listed(struct.pack("!H", 29)))
        + extension(13, listed(bytes.fromhex("04030804")))
        + extension(16, listed(listed(b"http/1.1", 1)))
        + extension(51, listed(key_share))
    )
    while padding > 0:
        part = min(padding, 16000)
        extensions += extension(0xFA00 + padding // 16000, bytes(part))
        padding -= part
    body = (
        b"\x03\x03" + bytes(range(32)) + listed(b"", 1) + listed(b"\x13\x01", 2) + b"\x01\0"
    ) + listed(extensions)
    return handshake_message(1, body, length)


@pytest.fixture
def start_limited(start, site):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * MANY:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * MANY, hard))

    def started():
        return start.configured(
            f"""
            listen = {{ "127.0.0.1:0" }}
            metrics_listen = {{ "127.0.0.1:0" }}
            max_connections = {MANY}
            max_connections_per_ip = {MANY}
            request_timeout = 60
            {site.settings(start.directory)}
            domain "example.com" {{ server = "m.example:1" }}
            """
        )

    yield started
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def daemon(start_limited):
    return start_limited()


def tls12_until_key_exchange(plain, ticket=0):
    """Sends a TLS 1.2 ClientHello and reads the answer up to ServerHelloDone."""
    body = (
        b"\x03\x03"
        + bytes(range(32))
        + listed(b"", 1)
        + listed(bytes.fromhex("c02b"))
        + b"\x01\0"
        + listed(
            extension(0, listed(b"\0" + listed(b"example.com")))
            + extension(10, listed(struct.pack("!H", 29)))
            + extension(13, listed(bytes.fromhex("0403")))
            + extension(11, b"\x01\0")
            + extension(35, bytes(ticket))
        )
    )
    plain.sendall(records(handshake_message(1, body)))
    received = b""
    while bytes([14, 0, 0, 0]) not in received:
        chunk = plain.recv(65536)
        assert chunk
        received += chunk


def huge_client_hello(plain):
    plain.sendall(records(handshake_message(1, bytes(16000), WHOLE - 1)))


def huge_client_hello_after_a_retry(plain):
    plain.sendall(records(hello(share=False)))
    assert plain.recv(65536)[0] == HANDSHAKE
    plain.sendall(records(handshake_message(1, bytes(16000), WHOLE - 1)))


def huge_client_key_exchange(plain):
    tls12_until_key_exchange(plain)
    plain.sendall(records(handshake_message(CLIENT_KEY_EXCHANGE, bytes(16000), WHOLE - 1)))


HUGE = {
    "ClientHello": huge_client_hello,
    "ClientHello after a HelloRetryRequest": huge_client_hello_after_a_retry,
    "ClientKeyExchange": huge_client_key_exchange,
}


def send_all(plain, data, total):
    """Sends this again and again, for as long as it is taken."""
    with contextlib.suppress(OSError):
        while total > 0:
            plain.sendall(data)
            total -= len(data)


def check_growth(daemon, count, hold):
    """Checks what the daemon grows by with so many clients, each as `hold` leaves it."""
    assert daemon.https[0].serves()  # what is allocated once is
    before = daemon.resident_kib()
    with contextlib.ExitStack() as clients:
        for _ in range(count):
            plain = clients.enter_context(daemon.https[0].open())
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            kept = hold(plain)
            if kept is not None:
                clients.enter_context(kept)
        assert eventually(daemon.https[0].serves, "it to serve others")
        grown = int(daemon.status("VmHWM").split()[0]) - before
        print(f"{count} clients: {grown} KiB, {grown / count:.1f} KiB each")
        assert is_sanitized() or grown < BOUND_KIB * count, f"{grown / count:.0f} KiB a connection"


def refused(daemon):
    text = daemon.metrics[0].get("/metrics", host="localhost").body.decode()
    return int(re.search(r'refused_total\{reason="handshake_too_long"\} (\d+)', text)[1])


@pytest.mark.parametrize("begin", HUGE.values(), ids=HUGE)
def test_a_message_of_16_mb_is_not_gathered(daemon, begin):
    def hold(plain):
        begin(plain)
        send_all(plain, records(bytes(16384)), WHOLE * 3 // 4)

    check_growth(daemon, FEW, hold)
    assert refused(daemon) == FEW


def test_a_message_of_16_mb_after_the_handshake_is_not_gathered(daemon):
    def hold(plain):
        peer = TlsPeer(plain).handshake()
        peer.record(HANDSHAKE, handshake_message(KEY_UPDATE, bytes(16000), WHOLE - 1))
        peer.flush()
        with contextlib.suppress(OSError):
            for _ in range(32):
                peer.record(HANDSHAKE, bytes(16384))
                peer.flush()
        return peer

    check_growth(daemon, FEW, hold)
    assert refused(daemon) == FEW


# Nearly as much as is let through: who sends that stays.


def kept_client_hello(plain):
    plain.sendall(records(hello(padding=35_000, length=WHOLE - 1)))


def kept_ticket(plain):
    """A TLS 1.2 session ticket is copied once more."""
    tls12_until_key_exchange(plain, ticket=30_000)
    plain.sendall(records(handshake_message(CLIENT_KEY_EXCHANGE, bytes(5_000), WHOLE - 1)))


def kept_second_client_hello(plain):
    plain.sendall(records(hello(padding=16_000, share=False)))
    assert plain.recv(65536)[0] == HANDSHAKE
    plain.sendall(records(hello(padding=17_000, length=WHOLE - 1)))


def kept_client_key_exchange(plain):
    tls12_until_key_exchange(plain)
    plain.sendall(records(handshake_message(CLIENT_KEY_EXCHANGE, bytes(35_000), WHOLE - 1)))


def kept_one_byte_records(plain):
    plain.sendall(records(handshake_message(1, bytes(4000), WHOLE - 1)))
    plain.sendall(records(bytes(5000), size=1))


def a_record_in_pieces(plain):
    """A record that never ends, of which each segment holds little."""
    plain.sendall(records(handshake_message(1, bytes(4000), WHOLE - 1)))
    plain.sendall(records(bytes(16384))[:5])
    for _ in range(400):
        plain.sendall(bytes(16))
        time.sleep(0.0002)


def kept_message_after_the_handshake(plain):
    peer = TlsPeer(plain).handshake()
    peer.record(HANDSHAKE, handshake_message(KEY_UPDATE, bytes(16000), WHOLE - 1))
    peer.record(HANDSHAKE, bytes(16384))
    peer.flush()
    return peer


def kept_half_record(plain):
    peer = TlsPeer(plain).handshake()
    peer.data(request_bytes()[:-2])
    peer.data(bytes(16384))
    del peer.outgoing[-1:]
    peer.flush()
    return peer


def kept_answers_unread(plain):
    peer = TlsPeer(plain).handshake()
    plain.settimeout(0.05)
    with contextlib.suppress(OSError):
        while True:
            peer.data(request_bytes() * 150)
            peer.flush()
    return peer


KEPT = {
    each.__name__: each
    for each in (
        kept_client_hello,
        kept_ticket,
        kept_second_client_hello,
        kept_client_key_exchange,
        kept_one_byte_records,
        kept_message_after_the_handshake,
        kept_half_record,
        kept_answers_unread,
    )
}


@pytest.mark.parametrize("hold", KEPT.values(), ids=KEPT)
def test_what_is_let_through_is_within_the_bound(daemon, hold):
    check_growth(daemon, FEW, hold)


def test_a_record_that_comes_in_hundreds_of_pieces_is_held_once(daemon):
    check_growth(daemon, 10, a_record_in_pieces)


@pytest.mark.parametrize(
    "hold", (kept_client_hello, kept_second_client_hello), ids=("ClientHello", "after a retry")
)
def test_the_sum_at_max_connections_is_within_the_bound(daemon, hold):
    check_growth(daemon, MANY - 2, hold)


LARGE = {
    "16 KB": {"padding": 16_000},
    "ML-KEM's": {"padding": 1216},
    "two records": {"padding": 16_250},
}


@pytest.mark.parametrize("retry", (False, True), ids=("", "retried"))
@pytest.mark.parametrize("details", LARGE.values(), ids=LARGE)
def test_large_client_hellos_are_answered(daemon, details, retry):
    with daemon.https[0].open() as plain:
        for share in (False, True) if retry else (True,):
            plain.sendall(records(hello(share=share, **details)))
            answer = plain.recv(65536)
            assert answer[0] == HANDSHAKE and answer[5] == 2  # ServerHello
    assert refused(daemon) == 0


def test_the_connection_ends_with_an_alert(daemon):
    with daemon.https[0].open() as plain:
        data = records(handshake_message(1, bytes(BUDGET), WHOLE - 1))
        plain.sendall(data[:BUDGET])
        time.sleep(0.2)
        plain.sendall(data[BUDGET:])
        assert plain.recv(100)[:7] == struct.pack("!BHHBB", ALERT, 0x0303, 2, 2, UNEXPECTED_MESSAGE)
        assert plain.recv(100) == b""
    assert refused(daemon) == 1


@pytest.mark.parametrize("priorities", (TLS12, TLS13), ids=("TLS 1.2", "TLS 1.3"))
def test_many_requests_use_up_no_budget(daemon, priorities):
    with daemon.https[0].open() as plain, TlsPeer(plain, priorities=priorities) as peer:
        peer.handshake()
        for _ in range(2 * BUDGET // len(request_bytes())):
            peer.data(request_bytes())
            peer.flush()
            assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


def test_a_client_that_renegotiates_is_refused(daemon):
    with daemon.https[0].open() as plain, TlsPeer(plain, priorities=TLS12) as peer:
        peer.handshake()
        peer.data(request_bytes())
        peer.flush()
        peer.read_answer()
        with pytest.raises(TlsError):
            peer.handshake()


def test_a_flood_of_key_updates_ends(daemon):
    with daemon.https[0].open() as plain, TlsPeer(plain) as peer:
        peer.handshake()
        for _ in range(20):
            peer.key_update(ask_for_theirs=True)
        peer.flush()
        while plain.recv(65536):
            pass
