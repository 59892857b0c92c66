"""--health-check: the daemon of this configuration answers, and no other program passes for it."""

import contextlib
import http.server
import socket
import threading

import pytest
from harness import kernel
from harness.daemon import SERVER_OPTION, free_port, run

ANSWER = b'{"m.server":"matrix.example.com:8448"}'


class Stranger(http.server.BaseHTTPRequestHandler):
    """Another program's server; it answers everything with 200 and the same body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def stranger(port, body):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Stranger)
    server.body = body
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")
@pytest.mark.parametrize("host", ("[::1]:", "[::]:", ""))
def test_a_server_on_another_address_is_not_asked(host):
    port = free_port()
    with stranger(port, ANSWER):
        asked = run(*SERVER_OPTION, "--listen-http", f"{host}{port}", "--health-check")
    assert asked.returncode == 1
    assert "cannot connect" in asked.stderr


@pytest.mark.parametrize("body", (b"{}", ANSWER + b" ", b'{"m.server":"other.example:1"}'))
def test_another_document_on_our_address_is_not_ours(body):
    port = free_port()
    with stranger(port, body):
        asked = run(*SERVER_OPTION, "--listen-http", f"127.0.0.1:{port}", "--health-check")
    assert asked.returncode == 1
    assert "not what this configuration has" in asked.stderr


def test_a_configuration_that_is_not_in_use_yet_is_told(start):
    port = free_port()
    text = 'listen_http = {{ "127.0.0.1:{}" }}\ndomain "example.com" {{ server = "{}.example:1" }}\n'
    daemon = start.configured(text.format(port, "one"))
    line = ("--config", daemon.configuration, "--health-check")
    assert run(*line).returncode == 0
    daemon.configuration.write_text(text.format(port, "two"))
    unwell = run(*line)
    assert unwell.returncode == 1 and "reload" in unwell.stderr
    mark = len(daemon.log)
    daemon.reload()
    daemon.wait_for_log("^ready", mark)
    assert run(*line).returncode == 0


@pytest.mark.parametrize("kind", ("listen", "listen_http"))
def test_a_long_document_is_read_whole(start, site, tmp_path, kind):
    (tmp_path / "extra.json").write_text('{"long": "' + "x" * 60000 + '"}')
    daemon = start.configured(
        f'{kind} = {{ "127.0.0.1:{free_port()}" }}\n'
        + site.settings(tmp_path)
        + 'domain "example.com" { client = "https://m.example" client_extra = "extra.json" }\n'
    )
    asked = run("--config", daemon.configuration, "--health-check")
    assert asked.returncode == 0, asked.stderr


@pytest.mark.skipif(not kernel.SUPPORTED, reason="written for x86-64 and AArch64 only")
def test_without_ipv6_the_default_address_is_asked_by_ipv4(start):
    port = free_port()
    line = (*SERVER_OPTION, "--listen-http", port)
    start(*line, **kernel.without_ipv6())
    asked = run(*line, "--health-check", **kernel.without_ipv6())
    assert asked.returncode == 0, asked.stderr
