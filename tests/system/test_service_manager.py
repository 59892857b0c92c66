"""Under systemd: sockets that it opens, and what it is told."""

import socket
import time

import pytest
from harness.daemon import PLAIN, SERVER_OPTION
from harness.service_manager import NotifySocket, handing_over
from harness.waiting import eventually


def listening(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family)


def port_of(server):
    return server.getsockname()[1]


def test_sockets_are_used_by_their_names(start, site, tmp_path):
    with listening() as https, listening() as http, listening() as metrics:
        names = "anything:http:metrics"
        daemon = start(
            *SERVER_OPTION,
            *site.options(tmp_path),
            **handing_over(https, http, metrics, names=names),
        )
        assert [e.port for e in daemon.https] == [port_of(https)]
        assert [e.port for e in daemon.http] == [port_of(http)]
        assert [e.port for e in daemon.metrics] == [port_of(metrics)]
        assert daemon.https[0].get().status == daemon.http[0].get().status == 200
        assert b"matrix_wellknownd_" in daemon.metrics[0].get("/metrics").body


def test_sockets_without_names_are_https(start, site, tmp_path):
    with listening() as one, listening("::1") as two:
        daemon = start(*SERVER_OPTION, *site.options(tmp_path), **handing_over(one, two))
        assert {e.port for e in daemon.https} == {port_of(one), port_of(two)}
        for endpoint in daemon.https:
            assert endpoint.get().status == 200


def test_a_unix_socket_can_be_handed_over(start, tmp_path):
    path = tmp_path / "activated.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        daemon = start(*SERVER_OPTION, **handing_over(server, names="http"))
        assert daemon.endpoint(path).get().status == 200
        daemon.stop()
        assert path.exists(), "the socket is the service manager's"


def test_a_plain_socket_alone_needs_no_certificate(start):
    with listening() as http:
        daemon = start(*SERVER_OPTION, **handing_over(http, names="http"))
        assert daemon.https == [] and daemon.http[0].get().status == 200


def test_clients_that_came_before_the_daemon_are_served(start):
    with listening() as http:
        with socket.create_connection(http.getsockname()) as early:
            early.sendall(b"GET /.well-known/matrix/server HTTP/1.0\r\nHost: a.example\r\n\r\n")
            start(*SERVER_OPTION, **handing_over(http, names="http"))
            early.settimeout(10)
            assert early.recv(65536).startswith(b"HTTP/1.")


def test_sockets_meant_for_another_process_are_left_alone(start):
    with listening() as other:
        daemon = start(*SERVER_OPTION, *PLAIN, **handing_over(other, names="http", pid="1"))
        assert [endpoint.port for endpoint in daemon.http] != [port_of(other)]
        assert len(daemon.http) == 1


def test_something_that_is_no_listening_socket_is_refused(start, tmp_path):
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file:
        daemon = start.without_waiting(*SERVER_OPTION, **handing_over(file, names="http"))
        assert daemon.wait() == 1
        assert "matrix-wellknownd: " in daemon.log
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        daemon = start.without_waiting(*SERVER_OPTION, **handing_over(datagrams, names="http"))
        assert daemon.wait() == 1


def test_a_reload_keeps_the_sockets(start):
    with listening() as http:
        daemon = start.configured(
            'domain "example.com" { server = "one.example:1" }', **handing_over(http, names="http")
        )
        daemon.configuration.write_text('domain "example.com" { server = "two.example:2" }')
        daemon.reload()
        eventually(
            lambda: daemon.http[0].get().json == {"m.server": "two.example:2"}, "the new document"
        )


@pytest.mark.parametrize("secure", (False, True), ids=("plain", "https"))
def test_over_a_restart_no_client_is_turned_away(start, site, tmp_path, secure):
    names = "https" if secure else "http"
    line = (*SERVER_OPTION, *(site.options(tmp_path) if secure else ()))
    with listening() as server:
        first = start(*line, **handing_over(server, names=names))
        assert getattr(first, names)[0].get().status == 200
        first.stop()
        with getattr(first, names)[0].open() as waiting:  # in the queue while none runs
            second = start(*line, **handing_over(server, names=names))
            assert getattr(second, names)[0].get().status == 200
            if not secure:
                waiting.sendall(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
                assert waiting.recv(65536).startswith(b"HTTP/1.1 404")


@pytest.fixture(params=("path", "abstract"))
def news(request, tmp_path):
    """Where a service manager listens: a socket in the file system, or an abstract one."""
    path = tmp_path / "notify.sock"
    with NotifySocket(path if request.param == "path" else f"@wellknownd-{path}") as socket_:
        yield socket_


def test_the_service_manager_is_told_ready_reloading_and_stopping(start, news):
    daemon = start.plain(environment=news.environment)
    assert news.wait_for("READY")["READY"] == "1"
    assert news.nothing_more() is None
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.reload()
    reloading = news.wait_for("RELOADING")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= after
    assert news.wait_for("READY")["READY"] == "1"
    daemon.stop()
    assert news.wait_for("STOPPING")["STOPPING"] == "1"


def test_ready_is_told_only_when_it_answers(start, news):
    daemon = start.without_waiting(*SERVER_OPTION, *PLAIN, environment=news.environment)
    news.wait_for("READY")
    daemon.wait_until_ready()
    assert daemon.http[0].get().status == 200


def test_a_reload_that_fails_is_over_too(start, news):
    daemon = start.configured(
        'listen_http = { "127.0.0.1:0" }\ndomain "example.com" { server = "m:1" }\n',
        environment=news.environment,
    )
    news.wait_for("READY")
    daemon.configuration.write_text("nonsense = {")
    daemon.reload()
    news.wait_for("RELOADING")
    assert news.wait_for("READY")["READY"] == "1"
    assert daemon.http[0].get().status == 200


def test_a_start_that_fails_never_says_ready(start, news):
    daemon = start.without_waiting(
        *SERVER_OPTION, "--listen-http", "192.0.2.1:80", environment=news.environment
    )
    assert daemon.wait() == 1
    while datagram := news.nothing_more():
        assert b"READY=1" not in datagram


@pytest.mark.parametrize("address", ("/nonexistent/notify", "relative", "", "/" + "x" * 300))
def test_a_service_manager_that_cannot_be_reached_does_no_harm(start, address):
    daemon = start.plain(environment={"NOTIFY_SOCKET": address})
    daemon.reload()
    assert daemon.http[0].get().status == 200
