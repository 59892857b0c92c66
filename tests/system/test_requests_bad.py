"""Requests that no good client sends: answered 4xx or closed, and the daemon still serves."""

import contextlib
import ssl
import time

import pytest
from harness.waiting import eventually, scaled
from harness.wire import SERVER, ConnectionClosed, client_hello, request_bytes

HOST = b"Host: example.com\r\n"
GET = b"GET " + SERVER.encode() + b" HTTP/1.1\r\n"
BAD_REQUESTS = {
    "no host": GET + b"\r\n",
    "two hosts": GET + HOST + HOST + b"\r\n",
    "two hosts that differ": GET + HOST + b"Host: other.example\r\n\r\n",
    "no host, absolute target": b"GET http://example.com" + SERVER.encode() + b" HTTP/1.1\r\n\r\n",
    "a host of 300 characters": GET + b"Host: " + b"h" * 300 + b"\r\n\r\n",
    "an empty host": GET + b"Host:\r\n\r\n",
    "a host with spaces": GET + b"Host: example.com other\r\n\r\n",
    "a host that is a list": GET + b"Host: example.com, other.example\r\n\r\n",
    "a host with a user": GET + b"Host: user@example.com\r\n\r\n",
    "a host with a path": GET + b"Host: example.com/x\r\n\r\n",
    "a host with a quote": GET + b'Host: exa"mple\\.com\r\n\r\n',
    "a host of control characters": GET + b"Host: exa\x01\x1b[31mmple.com\r\n\r\n",
    "a host that is no UTF-8": GET + b"Host: \xff\xfe.example\r\n\r\n",
    "a host with a NUL": GET + b"Host: example.com\0.evil\r\n\r\n",
    "a bad port": GET + b"Host: example.com:port\r\n\r\n",
    "an open bracket": GET + b"Host: [::1\r\n\r\n",
    "a header of 100 KB": GET + HOST + b"X-Long: " + b"x" * 102400 + b"\r\n\r\n",
    "20,000 headers": GET + HOST + b"A: b\r\n" * 20000 + b"\r\n",
    "a target of 100 KB": b"GET /" + b"x" * 102400 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL in the target": b"GET /.well-known/matrix/server\0x HTTP/1.1\r\n" + HOST + b"\r\n",
    "an encoded NUL": b"GET /.well-known/matrix/server%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target without a slash": b"GET server HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target that is a star": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "no target": b"GET HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method of 10 KB": b"G" * 10240 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target of another scheme": b"GET ftp://example.com/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "an absolute target without a host": b"GET http:/// HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET " + SERVER.encode() + b"\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "no version": b"GET / HTTP/\r\n" + HOST + b"\r\n",
    "a negative length": GET + HOST + b"Content-Length: -1\r\n\r\n",
    "a length that is a word": GET + HOST + b"Content-Length: many\r\n\r\n",
    "a length of 10^30": GET + HOST + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n",
    "a bad chunk": GET + HOST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a space before the colon": GET + b"Host : example.com\r\n\r\n",
    "only line ends": b"\r\n" * 1000,
    "garbage": bytes(range(256)) * 8,
    "NULs": bytes(4096),
}


def what_became_of(endpoint, request):
    """The daemon's whole answer to these bytes, after which nothing more is sent."""
    with endpoint.connect() as connection:
        try:
            connection.send(request)
            answer = connection.read_answer()
        except TimeoutError:
            pytest.fail("neither answered nor closed")
        except (OSError, ConnectionClosed):
            return None
        return answer


@pytest.fixture(scope="module")
def daemon(start_once, site):
    return start_once.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        request_timeout = 1
        {site.settings(start_once.directory)}
        domain "example.com" {{ server = "matrix.example.com:8448" }}
        """
    )


@pytest.fixture(scope="module", params=("https", "http"))
def endpoint(daemon, request):
    return getattr(daemon, request.param)[0]


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_bad_request_is_refused_and_the_next_one_served(daemon, endpoint, name):
    answer = what_became_of(endpoint, BAD_REQUESTS[name])
    if answer is not None:
        assert 400 <= answer.status <= 505 and answer.status != 500, answer
    assert daemon.process.poll() is None
    assert endpoint.serves()


@pytest.mark.parametrize("name", ("no host", "two hosts", "two hosts that differ"))
def test_http_1_1_needs_exactly_one_host(endpoint, name):
    assert what_became_of(endpoint, BAD_REQUESTS[name]).status == 400


def test_an_unknown_host_is_named_in_good_json_whatever_is_in_it(endpoint):
    for host in ('exa"mple\\.com', "\x01\x1b[31m.example", "\xff\xfe.example"):
        answer = endpoint.get(host=host)
        assert answer.status in (400, 404)
        if answer.all("Content-Type") == ["application/json"]:
            assert answer.json["errcode"].startswith("M_")


def test_a_host_of_300_characters_is_not_served_as_another(endpoint):
    answer = what_became_of(endpoint, BAD_REQUESTS["a host of 300 characters"])
    assert answer.status in (400, 404)


def test_a_body_on_get_does_not_become_the_next_request(endpoint):
    with endpoint.connect() as connection:
        answer = connection.request(body=b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.status in (200, 400, 413)
        if answer.all("Connection") != ["close"]:
            assert connection.request().json == {"m.server": "matrix.example.com:8448"}
    assert endpoint.serves()


def test_a_large_body_on_get_is_not_kept_in_memory(daemon, endpoint):
    before = daemon.resident_kib()
    with endpoint.connect() as connection:
        try:
            connection.send(request_bytes(headers=[("Content-Length", str(64 << 20))]))
            for _ in range(64):
                connection.send(b"x" * (1 << 20))
        except OSError:
            pass
    assert daemon.resident_kib() - before < 32 << 10
    assert endpoint.serves()


def test_a_chunked_body_without_end_is_not_read_for_ever(endpoint):
    deadline = time.monotonic() + scaled(8)
    with endpoint.connect() as connection, contextlib.suppress(ConnectionError, ssl.SSLError):
        connection.send(request_bytes(headers=[("Transfer-Encoding", "chunked")]))
        while not connection.is_closed():
            assert time.monotonic() < deadline, "still open"
            connection.send(b"400\r\n" + b"x" * 0x400 + b"\r\n")
    assert endpoint.serves()


def test_a_client_that_expects_100_continue_is_not_left_waiting(endpoint):
    headers = [("Expect", "100-continue"), ("Content-Length", "5")]
    with endpoint.connect() as connection:
        connection.send(request_bytes(method="POST", headers=headers))
        connection.send(b"hello")
        assert connection.read_answer().status in (405, 417)


def test_a_pipelined_pair_is_answered_in_order(endpoint):
    with endpoint.connect() as connection:
        connection.send(request_bytes() + request_bytes("/other"))
        assert connection.read_answer().json == {"m.server": "matrix.example.com:8448"}
        assert connection.read_answer().status == 404


def test_a_hundred_pipelined_requests_are_all_answered(endpoint):
    with endpoint.connect() as connection:
        connection.send(request_bytes() * 100)
        for _ in range(100):
            assert connection.read_answer().status == 200


def test_a_request_that_comes_byte_by_byte_is_served(endpoint):
    with endpoint.connect() as connection:
        for byte in request_bytes():
            connection.send(bytes([byte]))
        assert connection.read_answer().status == 200


def test_a_request_with_bare_line_feeds_does_no_harm(endpoint):
    answer = what_became_of(endpoint, request_bytes().replace(b"\r\n", b"\n"))
    assert answer is None or answer.status in (200, 400)
    assert endpoint.serves()


def test_smuggling_two_lengths_does_not_make_two_requests(endpoint):
    with endpoint.connect() as connection:
        connection.send(
            GET + HOST + b"Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            + request_bytes("/smuggled")
        )
        answers = connection.read_to_end()
        assert answers.count(b"HTTP/1.1 ") <= 1 or b"HTTP/1.1 200" not in answers[20:]
    assert endpoint.serves()


def test_plain_http_on_the_tls_port_is_closed_or_refused(daemon):
    with daemon.https[0].open() as plain:
        plain.sendall(request_bytes())
        answer = b""
        try:
            while chunk := plain.recv(4096):
                answer += chunk
        except ConnectionError:
            pass
    assert b"m.server" not in answer
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ") or answer[0] == 21  # an alert
    assert daemon.https[0].serves()


def test_tls_on_the_plain_port_is_closed_or_refused(daemon):
    answer = what_became_of(daemon.http[0], client_hello())
    assert answer is None or answer.status == 400
    assert daemon.http[0].serves()


@pytest.mark.parametrize(
    "bytes_sent", (b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x80\x2e\x01\x00\x02", b"\x16", b"")
)
def test_garbage_instead_of_a_handshake_is_closed(daemon, bytes_sent):
    with daemon.https[0].open() as plain:
        try:
            plain.sendall(bytes_sent)
            while plain.recv(4096):
                pass
        except ConnectionError:
            pass
    assert daemon.https[0].serves()


def test_a_client_that_resets_in_the_middle_of_anything_does_no_harm(daemon, endpoint):
    descriptors = daemon.descriptor_count()
    for cut in (0, 1, 10, len(request_bytes()) - 1, len(request_bytes())):
        for _ in range(10):
            with endpoint.connect() as connection:
                connection.stream.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: reset
                connection.send(request_bytes()[:cut])
    assert endpoint.serves()
    eventually(
        lambda: daemon.descriptor_count() <= descriptors + 1, "the descriptors to be closed"
    )


CHUNKED = GET + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = {
    "in the line of a chunk": b"5\nabcde\r\n0\r\n\r\n",
    "after a chunk": b"5\r\nabcde\n0\r\n\r\n",
    "in the line of the last chunk": b"5\r\nabcde\r\n0\n\r\n",
    "after the last chunk": b"5\r\nabcde\r\n0\r\n\n",
    "in an extension": b"5;a=b\nabcde\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", SMUGGLED.values(), ids=SMUGGLED)
def test_no_request_is_smuggled_by_a_bare_lf(endpoint, body):
    """RFC 9112, section 7.1: a proxy before us may see another end than we do."""
    with endpoint.connect() as connection:
        connection.send(CHUNKED + body + request_bytes("/second"))
        connection.send(request_bytes("/third"))
        assert connection.read_to_end().count(b"HTTP/1.1 ") <= 1
