"""HTTP as bytes on a socket: a test sees what a client sees, and sends what no client would."""

import contextlib
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .waiting import scaled

SERVER = "/.well-known/matrix/server"
CLIENT = "/.well-known/matrix/client"
SUPPORT = "/.well-known/matrix/support"
POLICY_SERVER = "/.well-known/matrix/policy_server"


@dataclass
class Answer:
    """One HTTP response."""

    version: str
    status: int
    headers: list
    body: bytes

    def all(self, name):
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __getitem__(self, name):
        """The value of a header that must be there once."""
        values = self.all(name)
        assert len(values) == 1, f"{len(values)} headers {name} in {self.headers}"
        return values[0]

    def __contains__(self, name):
        return bool(self.all(name))

    @property
    def json(self):
        return json.loads(self.body)


class ConnectionClosed(Exception):
    """The daemon closed the connection before an answer was whole."""


class Connection:
    """One connection to the daemon, plain or TLS, that reads answers one after another."""

    def __init__(self, stream):
        self.stream = stream
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()

    def send(self, data):
        self.stream.sendall(data)

    def request(self, target=SERVER, **details):
        """Sends a request and reads its answer; the connection stays open."""
        self.send(request_bytes(target, **details))
        return self.read_answer(details.get("method", "GET"))

    def read_answer(self, method="GET"):
        """Reads one answer. `method` tells whether a body follows."""
        head = self._read_through(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        version, status, *_ = status_line.split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), status_line
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        answer = Answer(version, int(status), headers, b"")
        if answer.status == 100:
            return self.read_answer(method)
        assert "Transfer-Encoding" not in answer, "a document of known length came in chunks"
        if method != "HEAD" and answer.status not in (204, 304):
            answer.body = self._read_exactly(int(answer["Content-Length"]))
        return answer

    def read_to_end(self):
        """Everything until the daemon closes the connection; a reset is a close, too."""
        data, self.buffer = self.buffer, b""
        try:
            while chunk := self.stream.recv(65536):
                data += chunk
        except (ConnectionError, ssl.SSLError):
            pass
        return data

    def is_closed(self):
        """Whether the daemon has closed the connection, without waiting for it."""
        self.stream.settimeout(0.01)
        try:
            return self.stream.recv(1) == b""
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            self.stream.settimeout(scaled(10))

    def _fill(self):
        chunk = self.stream.recv(65536)
        if not chunk:
            raise ConnectionClosed(f"after {self.buffer!r}")
        self.buffer += chunk

    def _read_through(self, end):
        while end not in self.buffer:
            self._fill()
        return self._read_exactly(self.buffer.index(end) + len(end))

    def _read_exactly(self, count):
        while len(self.buffer) < count:
            self._fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data


@dataclass(frozen=True)
class Endpoint:
    """Where the daemon listens. For HTTPS, `tls` is the context of a client that trusts it."""

    host: str  # an address, or the path of a Unix socket
    port: int = 0  # 0 for a Unix socket
    tls: ssl.SSLContext = field(default=None, compare=False)

    def open(self, source=None):
        """A connected socket, no TLS yet."""
        if self.port == 0:
            plain = socket.socket(socket.AF_UNIX)
            plain.settimeout(scaled(10))
            plain.connect(self.host)
        else:
            plain = socket.create_connection(
                (self.host, self.port), scaled(10), (source, 0) if source else None
            )
        return plain

    def connect(self, server_name="example.com", tls=None, source=None):
        """A Connection, after the handshake where there is one."""
        plain = self.open(source)
        context = tls or self.tls
        if context is None:
            return Connection(plain)
        try:
            return Connection(context.wrap_socket(plain, server_hostname=server_name))
        except BaseException:
            plain.close()
            raise

    def get(self, target=SERVER, *, server_name="example.com", tls=None, **details):
        """One request on a connection of its own; nothing may follow the answer."""
        headers = [*details.pop("headers", ()), ("Connection", "close")]
        with self.connect(server_name, tls) as connection:
            answer = connection.request(target, headers=headers, **details)
            assert connection.read_to_end() == b"", "bytes after the answer"
        return answer

    def certificate(self, server_name="example.com", tls=None):
        """The leaf certificate that is served for a name, as DER."""
        with self.connect(server_name, tls) as connection:
            return connection.stream.getpeercert(binary_form=True)

    def serves(self, **details):
        """Whether the server document of example.com is answered here."""
        try:
            return self.get(**details).status == 200
        except (OSError, ConnectionClosed):
            return False


def is_served(connection):
    """Whether a kept Connection gets the server document.

    Asked in a thread of its own: OpenSSL 3.5 leaves the error of one connection in its thread's queue,
    where Python takes it for the next one's.
    """

    def ask():
        try:
            return connection.request().status == 200
        except (OSError, ConnectionClosed):
            return False

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


def request_bytes(
    target=SERVER, *, method="GET", host="example.com", version="1.1", headers=(), body=b""
):
    """A request as it goes over the wire; `host` None leaves the header out."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def trusting(authority_file):
    """The context of a client that trusts this authority and checks the name, as homeservers do."""
    return ssl.create_default_context(cafile=authority_file)


def trusting_anyone():
    """The context of a client that does not look at the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def client_hello(server_name="example.com"):
    """The first flight of a TLS client, as bytes."""
    outgoing = ssl.MemoryBIO()
    client = trusting_anyone().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=server_name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Records:
    """A TLS client that decides which records go into one packet."""

    def __init__(self, endpoint):
        self.socket = endpoint.open()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusting_anyone().wrap_bio(
            self.incoming, self.outgoing, server_hostname="example.com"
        )

    def until_done(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.socket.recv(65536))

    def start(self):
        """Sends the ClientHello, and does not wait for what comes back."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.flush()

    def flush(self):
        self.socket.sendall(self.outgoing.read())
