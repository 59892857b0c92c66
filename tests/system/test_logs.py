"""What the daemon writes: text, JSON, journal priorities, and the access log."""

import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import socket
import time

import pytest
from harness.daemon import PLAIN, free_port, readable_by_all, run
from harness.service_manager import journal_of
from harness.waiting import eventually, scaled
from harness.wire import request_bytes

COMBINED = re.compile(
    r"(?P<address>\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<size>\d+|-) '
    r'"(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
)
NASTY = {
    "quotes": 'a "quoted\\" agent',
    "a forged line": 'x" 200 1 "-" "-"',
    "escape sequences": "\x1b[31mred\x1b[0m\x07",
    "a tab": "a\tb",
    "no UTF-8": "\xff\xfe\x80",
    "a format": "%s%n%d",
    "length": "x" * 3000,
}


def access_lines(daemon, count=1):
    """The lines of the access log, once there are this many."""

    def found():
        lines = [line for line in daemon.output.splitlines() if COMBINED.match(line)]
        return lines if len(lines) >= count else None

    return [COMBINED.fullmatch(line) for line in eventually(found, f"access log:\n{daemon.log}")]


def json_lines(daemon):
    return [json.loads(line) for line in daemon.output.splitlines()]


def json_access(daemon, **wanted):
    """The object of the access log that has these values, under whatever key."""

    def found():
        for entry in json_lines(daemon):
            if all(value in entry.values() for value in wanted.values()):
                return entry
        return None

    return eventually(found, f"{wanted} in the log:\n{daemon.output}")


def test_the_ready_line_names_every_address(start, site, tmp_path):
    unix = tmp_path / "plain.sock"
    daemon = start(
        *("--server", "matrix.example.com:8448", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"),
        *PLAIN, "--listen-http", f"unix:{unix}", "--metrics-listen", "127.0.0.1:0",
        *site.options(tmp_path),
    )
    (line,) = [line for line in daemon.log.splitlines() if line.startswith("ready")]
    assert re.findall(r"https://127\.0\.0\.1:\d+\b", line)
    assert re.findall(r"https://\[::1\]:\d+\b", line)
    assert re.findall(r"http://127\.0\.0\.1:\d+/metrics\b", line)
    assert str(unix) in line
    assert ":0" not in line


def test_text_lines_have_no_priority_outside_the_journal(start):
    daemon = start("--server", "matrix.example.com", *PLAIN)
    assert not re.search(r"^<\d>", daemon.log, re.MULTILINE)


def test_under_systemd_text_lines_carry_the_journals_priority(start):
    daemon = start(
        *("--server", "matrix.example.com", "--log-level", "debug"),
        *PLAIN,
        "--access-log",
        environment=journal_of,
    )
    daemon.http[0].get()
    eventually(lambda: '"GET /' in daemon.output, "the access log")
    lines = daemon.log.splitlines()
    assert all(re.match(r"<[3467]>", line) for line in lines), daemon.log
    assert any(line.startswith("<6>ready") for line in lines)
    assert any(line.startswith("<4>matrix-wellknownd: ") for line in lines)


def test_under_systemd_an_error_has_priority_3(start):
    daemon = start.configured(
        'listen_http = { "127.0.0.1:0" }\ndomain "example.com" { server = "m.example:1" }\n',
        environment=journal_of,
    )
    daemon.configuration.write_text("nonsense = {")
    daemon.reload()
    assert daemon.wait_for_log("matrix-wellknownd: ").startswith("<3>")


@pytest.mark.parametrize("stream", ("{device}:2", "1:{inode}", "garbage", "", ":", "9" * 100))
def test_another_processes_journal_is_not_ours(start, stream):
    def other_journal(error):
        device, inode = journal_of(error)["JOURNAL_STREAM"].split(":")
        return {"JOURNAL_STREAM": stream.format(device=device, inode=inode)}

    daemon = start.plain(environment=other_journal)
    assert not daemon.log.startswith("<")


def test_json_lines_carry_no_priority_even_in_the_journal(start):
    daemon = start.plain("--log-format", "json", environment=journal_of)
    assert json_lines(daemon)


def test_json_lines_are_objects_with_level_and_message(start):
    daemon = start(
        *("--server", "matrix.example.com", "--log-format", "json"), *PLAIN, "--access-log"
    )
    daemon.http[0].get()
    daemon.reload()
    eventually(lambda: len(json_lines(daemon)) >= 3, "a few lines")
    ready = [e for e in json_lines(daemon) if any(str(v).startswith("ready") for v in e.values())]
    assert ready and "info" in ready[0].values()
    assert any("warning" in entry.values() for entry in json_lines(daemon))


def test_the_level_decides_what_is_written(start):
    warned = start("--server", "matrix.example.com", *PLAIN, "--log-level", "info")
    assert "SRV" in warned.log
    quiet = start.without_waiting(
        *("--server", "matrix.example.com", *PLAIN, "--log-level", "error"),
        *("--metrics-listen", "127.0.0.1:0"),
    )
    only_warnings = start.without_waiting(
        *("--server", "matrix.example.com", *PLAIN, "--log-level", "warning")
    )
    only_warnings.wait_for_log("SRV")
    # A third start gives the first two the time to write what they should not.
    start.plain("--log-level", "debug")
    assert quiet.log == ""
    assert "ready" not in only_warnings.log


def test_messages_begin_with_the_programs_name():
    refused = run("--server", "a/b")
    assert re.match(r"matrix-wellknownd: .+: .+\n$", refused.stderr)


def test_without_access_log_no_request_is_written(start):
    daemon = start.plain()
    daemon.http[0].get("/unusual-path")
    daemon.stop()
    assert "unusual-path" not in daemon.output


def test_the_access_log_is_combined_log_format(start):
    daemon = start.plain("--access-log")
    http = daemon.http[0]
    headers = [("User-Agent", "Test/1.0 (x)"), ("Referer", "https://example.com/from")]
    size = len(http.get("/.well-known/matrix/server?a=b", headers=headers).body)
    http.get("/missing", method="HEAD", version="1.0")
    one, two = access_lines(daemon, 2)
    assert one["address"] == "127.0.0.1"
    assert one["request"] == "GET /.well-known/matrix/server?a=b HTTP/1.1"
    assert (one["status"], one["size"]) == ("200", str(size))
    assert (one["referer"], one["agent"]) == ("https://example.com/from", "Test/1.0 (x)")
    assert two["request"] == "HEAD /missing HTTP/1.0"
    assert two["status"] == "404" and two["size"] in ("0", "-")
    assert (two["referer"], two["agent"]) == ("-", "-")


def test_the_access_log_has_a_line_for_every_kind_of_answer(start, site, tmp_path):
    daemon = start(
        *("--server", "m.example:1", "--domain", "example.com", "--access-log"),
        *("--listen", "127.0.0.1:0", "--listen-http", "[::1]:0"),
        *site.options(tmp_path),
    )
    https, http = daemon.https[0], daemon.http[0]
    etag = https.get()["ETag"]
    https.get(headers=[("If-None-Match", etag)])
    http.get(method="OPTIONS")
    http.get(method="POST")
    http.get(host="other.example")
    http.get("/else")
    lines = access_lines(daemon, 6)
    assert sorted(line["status"] for line in lines) == ["200", "204", "304", "404", "404", "405"]
    assert {line["address"] for line in lines} == {"127.0.0.1", "::1"}


def test_the_access_log_of_a_unix_socket_has_a_line_too(start, tmp_path):
    path = tmp_path / "plain.sock"
    line = ("--server", "m.example:1", "--access-log", "--listen-http", f"unix:{path}")
    daemon = start(*line)
    daemon.endpoint(path).get()
    assert len(access_lines(daemon)) == 1


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("header", ("User-Agent", "Referer"))
def test_what_a_client_sends_cannot_forge_the_access_log(start, name, header):
    daemon = start.plain("--access-log")
    daemon.http[0].get(headers=[(header, NASTY[name])])
    daemon.http[0].get("/after")
    lines = access_lines(daemon, 2)
    assert len(lines) == 2 and all(lines), daemon.output
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", daemon.output)


def test_what_a_client_puts_into_the_target_cannot_forge_the_access_log(start):
    daemon = start.plain("--access-log")
    for target in ('/"x" 200 1 "-" "-"', "/\x1b[2J", "/%0a%0d", "/\\", "/\xff"):
        with daemon.http[0].connect() as connection:
            connection.send(request_bytes(target, headers=[("Connection", "close")]))
            connection.read_to_end()
    daemon.http[0].get("/after")
    lines = eventually(
        lambda: [line for line in daemon.output.splitlines() if "/after" in line] and daemon.output,
        "the last line",
    ).splitlines()
    entries = [line for line in lines if " - - [" in line]
    assert entries and all(COMBINED.fullmatch(line) for line in entries), lines
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", daemon.output)


@pytest.mark.parametrize("name", NASTY)
def test_the_access_log_as_json_is_an_object_a_request(start, name):
    daemon = start.plain("--access-log", "--log-format", "json")
    headers = [("User-Agent", NASTY[name]), ("Referer", 'https://example.com/"from"')]
    daemon.http[0].get("/missing?q=1", headers=headers)
    status = 400 if name == "escape sequences" else 404  # no field may have them (RFC 9110, 5.5)
    entry = json_access(daemon, method="GET", status=status, referer='https://example.com/"from"')
    assert "127.0.0.1" in entry.values()
    if name not in ("no UTF-8", "length"):
        assert NASTY[name] in entry.values()


def test_lines_of_many_clients_do_not_mix(start):
    daemon = start.plain("--access-log")
    connections = [daemon.http[0].connect() for _ in range(20)]
    for _ in range(20):
        for connection in connections:
            connection.send(request_bytes(headers=[("User-Agent", "a" * 500)]))
    for connection in connections:
        for _ in range(20):
            assert connection.read_answer().status == 200
        connection.close()
    assert len(access_lines(daemon, 400)) == 400
    assert all(COMBINED.fullmatch(line) or "ready" in line for line in daemon.output.splitlines())


# Whole lines


def odd_text(generator, length):
    """What a header may hold, much of which has to be escaped."""
    alphabet = 'abc "\\\u00fc\u00ff\u0080%{}' + "\t"
    return "".join(generator.choice(alphabet) for _ in range(length)).strip()


@pytest.mark.parametrize("log_format", ("text", "json"))
def test_every_line_is_whole_however_long_what_clients_send(start, log_format):
    daemon = start.plain("--access-log", "--log-format", log_format)
    generator = random.Random(1)
    for _ in range(60):
        with daemon.http[0].connect() as connection:
            target = "/" + "".join(
                generator.choice('abc"\\{}|^') for _ in range(generator.choice((1, 1000, 3000)))
            )
            headers = [
                (name, odd_text(generator, generator.choice((0, 10, 900, 1700))))
                for name in ("User-Agent", "Referer")
            ]
            connection.send(
                request_bytes(target, headers=[*headers, ("Connection", "close")])
            )
            connection.read_to_end()
    daemon.http[0].get("/the-last")
    eventually(lambda: "/the-last" in daemon.output, "the last line")
    lines = [line for line in daemon.output.splitlines() if not line.startswith("ready")]
    if log_format == "json":
        entries = [json.loads(line) for line in lines]
        assert any(entry.get("user_agent", "").endswith("\u2026") for entry in entries)
    else:
        assert all(COMBINED.fullmatch(line) for line in lines)
        assert any(COMBINED.fullmatch(line)["agent"].endswith("...") for line in lines)
    assert len(lines) >= 61
    assert max(len(line.encode()) for line in lines) < 4096


# A reader that lives and stops reading


AS_ANOTHER_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Sink:
    """What standard error of a daemon leads to: read from only when the test says so. It is small,
    so that it is soon full."""

    def __init__(self, kind, path):
        starter = ()
        if "another user" in kind:
            if os.geteuid() != 0 or not shutil.which("setpriv"):
                pytest.skip("only root can give a daemon another user's pipe")
            starter = AS_ANOTHER_USER
        if kind == "socket":
            own, other = socket.socketpair()
            other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            self.end, self.other = own.detach(), other.detach()
        elif kind == "terminal":
            self.end, self.other = os.openpty()
        elif "named" in kind:
            os.mkfifo(path, 0o600)
            self.end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self.other = os.open(path, os.O_WRONLY)
        else:
            self.end, self.other = os.pipe()
        if "pipe" in kind:
            fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 8192)
        os.set_blocking(self.end, False)
        shell = f'exec "$@" 2>&{self.other} {self.other}>&-'
        self.details = {
            "starter": ["bash", "-c", shell, "bash", *starter],
            "pass_fds": (self.other,),
        }
        self.is_terminal = kind == "terminal"

    def read(self):
        """All that has been written since the last time."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.end, 65536):
                data += chunk
        return data.decode(errors="backslashreplace")

    def close(self):
        os.close(self.end)
        os.close(self.other)


SETTINGS = """
listen_http = {{ "127.0.0.1:{http}" }}
metrics_listen = {{ "127.0.0.1:{metrics}" }}
access_log = true
server = "m.example:1"
"""

@pytest.fixture(
    params=(
        *("pipe", "pipe of another user", "named pipe", "named pipe of another user"),
        *("socket", "terminal"),
    )
)
def sink(request, tmp_path):
    sink = Sink(request.param, tmp_path / "log")
    yield sink
    sink.close()


@pytest.fixture
def stalled(sink, start, tmp_path):
    """A daemon with an access log, and its endpoint, whose log is read only by the test."""
    ports = {"http": free_port(), "metrics": free_port()}
    configuration = tmp_path / "daemon.conf"
    configuration.write_text(SETTINGS.format(**ports))
    readable_by_all(tmp_path)
    daemon = start.without_waiting("--config", configuration, **sink.details)
    daemon.configuration = configuration
    endpoint = daemon.endpoint("127.0.0.1", ports["http"])
    eventually(endpoint.serves, "an answer")
    daemon.metrics.append(daemon.endpoint("127.0.0.1", ports["metrics"]))
    return daemon, endpoint


def dropped_lines(daemon):
    text = daemon.metrics[0].get("/metrics").body.decode()
    return int(re.search(r"^matrix_wellknownd_log_lines_dropped_total (\d+)$", text, re.MULTILINE)[1])


def failed_reloads(daemon):
    text = daemon.metrics[0].get("/metrics").body.decode()
    return int(re.search(r'reloads_total\{result="failed"\} (\d+)', text)[1])


def fill(endpoint):
    """Requests whose lines are more than the sink holds, each of which is answered."""
    for _ in range(100):
        assert endpoint.get(headers=[("User-Agent", "x" * 700)]).status == 200


def catch_up(endpoint, sink):
    """All that is written once it is read again, to the line of a request for /after."""
    text = ""

    def caught_up():
        nonlocal text
        text += sink.read()
        if "dropped" in text and "/after" in text.splitlines()[-1]:
            return True
        endpoint.get("/after")
        return False

    eventually(caught_up, "the last line")
    return text


def test_a_reader_that_stops_reading_stops_nobody(stalled, sink):
    daemon, endpoint = stalled
    fill(endpoint)
    dropped = dropped_lines(daemon)
    assert dropped > 0
    text = catch_up(endpoint, sink)
    mentioned = re.findall(r"warning: (\d+) lines? of the log", text)
    assert sum(map(int, mentioned)) == dropped_lines(daemon)
    lines = [line for line in text.splitlines() if " - - [" in line]
    # A terminal takes a part of a line where it has room for no more.
    assert sink.is_terminal or all(COMBINED.fullmatch(line) for line in lines)
    assert COMBINED.fullmatch(lines[-1])


def test_an_error_waits_for_a_reader_that_stops_reading(stalled, sink):
    daemon, endpoint = stalled
    fill(endpoint)
    daemon.configuration.write_text("nonsense = {")
    for _ in range(3):
        failed = failed_reloads(daemon)
        daemon.reload()
        eventually(lambda: failed_reloads(daemon) > failed, "the reload to fail")
    fill(endpoint)
    text = catch_up(endpoint, sink)
    assert text.count("matrix-wellknownd: not reloaded") == 3
    assert text.rindex("not reloaded") < text.index("of the log were dropped")


def test_a_reader_that_stops_reading_does_not_hold_up_the_end(stalled):
    daemon, endpoint = stalled
    fill(endpoint)
    started = time.monotonic()
    daemon.stop()
    assert time.monotonic() - started < scaled(5)


def test_a_reader_that_has_stopped_already_does_not_hold_up_the_start(start, sink, tmp_path):
    port = free_port()
    configuration = tmp_path / "daemon.conf"
    # Each of these domains gets a warning; together they are more than the sink holds.
    configuration.write_text(
        f'listen_http = {{ "127.0.0.1:{port}" }}\n'
        + "".join(f'domain "d{n}.example" {{ server = "m.example" }}\n' for n in range(2000))
    )
    readable_by_all(tmp_path)
    daemon = start.without_waiting("--config", configuration, **sink.details)
    endpoint = daemon.endpoint("127.0.0.1", port)
    eventually(lambda: endpoint.serves(host="d1.example"), "an answer", timeout=20)
    started = time.monotonic()
    daemon.stop()
    assert time.monotonic() - started < scaled(5)
