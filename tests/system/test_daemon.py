"""A process among others: start, user, ports, graceful stop."""

import os
import pwd
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness.certificates import RenamedOver
from harness.daemon import (
    BINARY,
    HTTPS,
    PLAIN,
    SERVER_OPTION,
    environment_of,
    free_port,
    readable_by_all,
    run,
)
from harness.waiting import eventually, scaled
from harness.wire import Endpoint, request_bytes

CAP_DAC_READ_SEARCH = 1 << 2  # what reading a renewed key of root's takes
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@needs_root
@pytest.mark.parametrize("listener", (HTTPS, PLAIN), ids=("https", "plain"))
def test_started_as_root_it_binds_and_becomes_the_user(start, site, tmp_path, listener):
    pair = site.options(tmp_path)
    (tmp_path / "site.key").chmod(0o600)
    daemon = start(*SERVER_OPTION, *listener, *pair, "--user", "nobody")
    nobody = pwd.getpwnam("nobody")
    assert daemon.status("Uid").split() == [str(nobody.pw_uid)] * 4
    assert daemon.status("Gid").split() == [str(nobody.pw_gid)] * 4
    assert set(daemon.status("Groups").split()) <= {str(nobody.pw_gid)}
    for capabilities in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert int(daemon.status(capabilities), 16) in (0, CAP_DAC_READ_SEARCH)
    for thread in Path(f"/proc/{daemon.pid}/task").iterdir():
        assert f"Uid:\t{nobody.pw_uid}\t" in (thread / "status").read_text()
    endpoint = (daemon.https + daemon.http)[0]
    assert endpoint.get().status == 200


@needs_root
def test_the_user_can_stand_in_the_file(start):
    daemon = start.configured(
        'listen_http = { "127.0.0.1:0" }\nuser = "nobody"\n'
        'domain "example.com" { server = "m:1" }\n'
    )
    assert daemon.status("Uid").split()[0] == str(pwd.getpwnam("nobody").pw_uid)


@needs_root
def test_a_renewal_that_only_root_may_read_is_taken_after_becoming_the_user(
    start, site, authority, tmp_path
):
    files = RenamedOver(tmp_path, site)
    line = ("--certificate", files.certificate, "--key", files.key, "--user", "nobody")
    daemon = start(*SERVER_OPTION, *HTTPS, *line)
    renewed = authority.issue("example.com")
    renewed.key, key = b"", renewed.key
    files.replace(renewed)
    files.key.chmod(0o600)
    files.key.write_bytes(key)
    eventually(lambda: daemon.https[0].certificate() == renewed.leaf, "the renewed certificate")


@needs_root
def test_a_reload_after_becoming_the_user_still_serves(start):
    daemon = start.plain("--user", "nobody")
    daemon.reload()
    assert daemon.http[0].get().status == 200


def test_a_user_that_does_not_exist_is_named():
    refused = run(*SERVER_OPTION, *PLAIN, "--user", "no-such-user")
    assert refused.returncode in (1, 2)
    assert "no-such-user" in refused.stderr


@needs_root
def test_an_ordinary_user_needs_no_root_on_a_high_port(start, site, tmp_path):
    readable_by_all(tmp_path)
    certificate, key = site.write(tmp_path)
    key.chmod(0o644)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", certificate, "--key", key)
    assert start(*line, user="nobody", group="nogroup").https[0].get().status == 200


@needs_root
def test_an_ordinary_user_on_a_privileged_port_is_told_so():
    unprivileged = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    if int(unprivileged) <= 443:
        pytest.skip("every port is free for everybody here")
    line = (*SERVER_OPTION, "--listen-http", "127.0.0.1:443")
    refused = run(*line, user="nobody", group="nogroup")
    assert refused.returncode == 1
    assert "127.0.0.1:443" in refused.stderr and "ermission denied" in refused.stderr


@pytest.mark.parametrize("how", (signal.SIGTERM, signal.SIGINT))
def test_it_stops_as_asked_with_exit_status_0(start, how):
    daemon = start.plain()
    daemon.stop(how)
    with pytest.raises(ConnectionRefusedError):
        daemon.http[0].open()


@pytest.mark.parametrize("secure", (False, True), ids=("plain", "https"))
def test_a_running_request_ends_before_the_daemon_does(start, site, tmp_path, secure):
    daemon = start(*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    endpoint = daemon.https[0] if secure else daemon.http[0]
    request = request_bytes()
    with endpoint.connect() as connection:
        connection.send(request[:-2])
        with endpoint.connect() as other:  # so that the first bytes have been read for sure
            other.request()
        daemon.process.send_signal(signal.SIGTERM)
        eventually(lambda: not endpoint.serves(), "new connections to be refused")
        assert daemon.process.poll() is None
        connection.send(request[-2:])
        assert connection.read_answer().status == 200
    assert daemon.wait() == 0


def test_a_request_that_never_ends_delays_the_stop_by_5_seconds_at_most(start):
    daemon = start.plain("--log-level", "debug")
    with daemon.http[0].connect() as connection:
        connection.send(request_bytes()[:-2])
        with daemon.http[0].connect() as other:
            other.request()
        asked = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - asked < scaled(5) + 2


@pytest.mark.quiet
@pytest.mark.parametrize("secure", (False, True), ids=("plain", "https"))
def test_idle_connections_do_not_delay_the_stop(start, site, secure):
    # Were it to wait for them, it would take the 5 seconds of running requests.
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        keepalive_timeout = 60
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m:1" }}
        """
    )
    endpoint = daemon.https[0] if secure else daemon.http[0]
    connections = [endpoint.connect() for _ in range(20)]
    for connection in connections:
        connection.request()
    asked = time.monotonic()
    daemon.stop()
    assert time.monotonic() - asked < scaled(2.5)
    for connection in connections:
        assert connection.read_to_end() == b""
        connection.close()


def test_connections_without_a_request_do_not_keep_it_from_ending(start, site, tmp_path):
    daemon = start(*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    silent = [endpoint.open() for endpoint in (daemon.https[0], daemon.http[0]) * 10]
    daemon.stop()
    for connection in silent:
        connection.close()


def test_a_stop_right_after_the_start_or_in_a_reload_is_clean(start):
    for _ in range(10):
        daemon = start.plain()
        daemon.reload()
        daemon.stop()


def test_two_daemons_on_one_port_the_second_is_told_which(start):
    first = start.plain()
    address = f"127.0.0.1:{first.http[0].port}"
    second = run(*SERVER_OPTION, "--listen-http", address)
    assert second.returncode == 1
    assert address in second.stderr and "in use" in second.stderr.lower()
    assert first.http[0].get().status == 200


def test_one_address_twice_in_the_settings_is_refused():
    address = f"127.0.0.1:{free_port()}"
    refused = run(*SERVER_OPTION, "--listen-http", address, "--listen-http", address)
    assert refused.returncode in (1, 2)
    assert address in refused.stderr


@pytest.mark.parametrize("address", ("192.0.2.1:8443", "[2001:db8::1]:8443"))
def test_an_address_that_does_not_exist_is_named(address):
    refused = run(*SERVER_OPTION, "--listen-http", address)
    assert refused.returncode == 1
    assert address in refused.stderr
    assert "ready" not in refused.stderr


def test_a_port_can_be_used_again_at_once(start):
    port = free_port()
    for _ in range(3):
        daemon = start(*SERVER_OPTION, "--listen-http", f"127.0.0.1:{port}")
        with daemon.http[0].connect() as connection:
            connection.request()
            daemon.stop()  # the daemon closes first: its end stays in TIME_WAIT


def test_a_unix_socket_is_gone_after_the_stop_and_can_be_made_again(start, tmp_path):
    path = tmp_path / "plain.sock"
    for _ in range(2):
        daemon = start(*SERVER_OPTION, "--listen-http", f"unix:{path}")
        assert daemon.endpoint(path).get().status == 200
        daemon.stop()
        assert not path.exists()


def test_a_unix_socket_left_behind_by_a_killed_daemon_is_taken_over(start, tmp_path):
    path = tmp_path / "plain.sock"
    line = (*SERVER_OPTION, "--listen-http", f"unix:{path}")
    start(*line).kill()
    assert path.exists()
    daemon = start(*line)
    assert daemon.endpoint(path).get().status == 200


def test_a_unix_socket_of_a_running_daemon_is_not_taken_over(start, tmp_path):
    path = tmp_path / "plain.sock"
    line = (*SERVER_OPTION, "--listen-http", f"unix:{path}")
    first = start(*line)
    second = run(*line)
    assert second.returncode == 1
    assert str(path) in second.stderr
    assert first.endpoint(path).get().status == 200


def test_a_file_where_the_unix_socket_should_be_is_left_alone(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    refused = run(*SERVER_OPTION, "--listen-http", f"unix:{path}")
    assert refused.returncode == 1
    assert str(path) in refused.stderr
    assert path.read_text() == "data"


def test_a_unix_socket_in_a_missing_directory_is_named(tmp_path):
    path = tmp_path / "missing" / "plain.sock"
    refused = run(*SERVER_OPTION, "--listen-http", f"unix:{path}")
    assert refused.returncode == 1
    assert str(path) in refused.stderr


def test_with_standard_error_closed_it_still_serves_and_answers_only_http():
    port = free_port()
    command = [BINARY, *SERVER_OPTION, "--listen-http", f"127.0.0.1:{port}", "--access-log"]
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *command], env=environment_of()
    )
    try:

        def answered():
            try:
                with socket.create_connection(("127.0.0.1", port)) as plain:
                    plain.sendall(request_bytes(headers=[("Connection", "close")]))
                    data = b""
                    while chunk := plain.recv(65536):
                        data += chunk
                return data
            except ConnectionRefusedError:
                assert process.poll() is None, "it must not need a standard error"
                return None

        for _ in range(5):
            data = eventually(answered, "an answer")
            assert data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"}")
            assert data.count(b"HTTP/1.1") == 1 and b"ready" not in data
    finally:
        process.terminate()
        assert process.wait(scaled(10)) == 0


def test_a_log_that_nobody_reads_any_more_does_not_end_it():
    # `ready` goes to a pipe whose reader then goes away: writing there raises SIGPIPE.
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [BINARY, *SERVER_OPTION, "--listen-http", f"127.0.0.1:{(port := free_port())}",
         "--access-log"],
        env=environment_of(), stdout=writer, stderr=writer,
    )
    os.close(writer)
    assert b"ready" in os.read(reader, 65536)
    os.close(reader)
    try:
        for _ in range(5):
            assert Endpoint("127.0.0.1", port).get().status == 200
    finally:
        process.terminate()
        assert process.wait(scaled(10)) == 0


def test_threads_are_as_many_as_the_settings_say(start):
    def count(threads):
        daemon = start.configured(
            f'listen_http = {{ "127.0.0.1:0" }}\nthreads = {threads}\n'
            'domain "example.com" { server = "m:1" }\n'
        )
        assert daemon.http[0].get().status == 200
        return len(os.listdir(f"/proc/{daemon.pid}/task"))

    assert count(6) - count(2) == 4


def test_no_descriptor_of_the_caller_is_needed_or_changed(start, tmp_path):
    file = tmp_path / "inherited"
    file.write_text("data")
    with file.open() as inherited:
        daemon = start.plain(pass_fds=[inherited.fileno()])
        assert daemon.http[0].get().status == 200
    assert file.read_text() == "data"
