"""How many system calls a connection costs, by name: a change that adds one is seen.

Counted is the thread that serves, after it has served the same before, and where each segment of the
client's has come before the thread looks for it. What malloc(3) asks the kernel for is left out.
"""

import collections
import contextlib
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness import kernel
from harness.daemon import is_sanitized
from harness.waiting import eventually, scaled
from harness.wire import Records, request_bytes

pytestmark = pytest.mark.skipif(
    not shutil.which("strace") or not kernel.SUPPORTED or is_sanitized(),
    reason="needs strace, and no sanitizer's library",
)
MEMORY = {"brk", "mmap", "munmap", "mprotect", "madvise", "mremap"}
CLOSING = [("Connection", "close")]
# In the order of their first use. An epoll_wait(2) is one of the worker's or one of libmicrohttpd's.
HTTPS = {
    "accept4": 1,
    "recvfrom": 3,  # a look at the ClientHello, and each of the client's two flights
    "fcntl": 1,
    "epoll_ctl": 2,
    "epoll_wait": 3,
    "ioctl": 2,  # is there room for a flight
    "sendmsg": 2,
    "setsockopt": 2,  # libmicrohttpd's
    "close": 1,
}
HTTPS_KEPT = {"epoll_wait": 3, "recvfrom": 2, "setsockopt": 1, "ioctl": 1, "sendmsg": 1}
HTTP = {
    "accept4": 1,
    "fcntl": 1,
    "epoll_ctl": 3,  # the third, in the worker's own set, tells when the client has ended its side
    "epoll_wait": 1,
    "recvfrom": 1,
    "sendmsg": 1,
    "setsockopt": 1,
    "shutdown": 1,
    "close": 1,
}
HTTP_KEPT = {"epoll_wait": 2, "recvfrom": 1, "sendmsg": 1}


class Traced:
    """A daemon with one thread that serves, and strace at that thread."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.tasks = Path(f"/proc/{daemon.pid}/task")
        self.thread = max(int(task.name) for task in self.tasks.iterdir())

    def status(self, field):
        text = (self.tasks / str(self.thread) / "status").read_text()
        return re.search(rf"^{field}:\t(\S+)", text, re.MULTILINE).group(1)

    def wait_until_asleep(self):
        eventually(lambda: self.status("State") == "S", "the thread to wait for events")

    @contextlib.contextmanager
    def stopped(self):
        """Meanwhile what clients send gathers in the kernel."""
        self.daemon.process.send_signal(signal.SIGSTOP)
        eventually(lambda: self.status("State") in ("T", "t"), "the daemon to be stopped")
        yield
        self.daemon.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def counting(self, first):
        """Gives a Counter, filled at the end of the block, from the first call of that name on."""
        file = self.daemon.error_file.parent / "trace"
        calls = collections.Counter()
        line = ["strace", "-qq", "-o", file, "-p", str(self.thread)]
        with subprocess.Popen(line) as strace:
            eventually(lambda: self.status("TracerPid") != "0", "strace to be there")
            self.wait_until_asleep()
            yield calls
            self.wait_until_asleep()
            strace.send_signal(signal.SIGINT)
            strace.wait(scaled(10))
        names = re.findall(r"^(\w+)\(.*\) += ", file.read_text(), re.MULTILINE)
        calls.update(name for name in names[names.index(first) :] if name not in MEMORY)


@pytest.fixture
def traced(start, site):
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        threads = 1
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )
    for endpoint in (daemon.https[0], daemon.http[0]) * 3:
        assert endpoint.get().status == 200
    return Traced(daemon)


def shake_hands(client):
    """Up to the client's Finished, which is not sent yet."""
    client.until_done(client.tls.do_handshake)


def read_answer(client, until_closed):
    data = b""
    while not data.endswith(b"}"):
        data += client.until_done(lambda: client.tls.read(65536))
    if until_closed:
        assert client.until_done(lambda: client.tls.read(1)) == b""
        assert client.socket.recv(1) == b""
    return data


def test_a_handshake_with_a_request(traced):
    with traced.counting("accept4") as calls:
        with traced.stopped():
            client = Records(traced.daemon.https[0])
            client.start()
        shake_hands(client)
        client.tls.write(request_bytes(headers=CLOSING))
        client.flush()
        read_answer(client, until_closed=True)
    assert calls == HTTPS


def test_a_request_on_a_kept_connection(traced):
    client = Records(traced.daemon.https[0])
    shake_hands(client)
    for _ in range(2):
        client.tls.write(request_bytes())
        client.flush()
        read_answer(client, until_closed=False)
    traced.wait_until_asleep()
    with traced.counting("epoll_wait") as calls:
        client.tls.write(request_bytes())
        client.flush()
        read_answer(client, until_closed=False)
    assert calls == HTTPS_KEPT
    client.socket.close()


def test_a_plain_request(traced):
    with traced.counting("accept4") as calls:
        with traced.stopped():
            client = traced.daemon.http[0].connect()
            client.send(request_bytes(headers=CLOSING))
        client.read_to_end()
    assert calls == HTTP
    client.close()


def test_a_plain_request_on_a_kept_connection(traced):
    client = traced.daemon.http[0].connect()
    for _ in range(2):
        assert client.request().status == 200
    traced.wait_until_asleep()
    with traced.counting("epoll_wait") as calls:
        assert client.request().status == 200
    assert calls == HTTP_KEPT
    client.close()
