"""Limits: how many connections, and for how long, so that no client can starve the others."""

import contextlib
import re
import resource
import time

import pytest
from harness.clock import Clock, needs_clock
from harness.waiting import eventually, scaled
from harness.wire import client_hello, is_served, request_bytes


@pytest.fixture
def start_limited(start, site):
    """Starts a daemon on HTTPS and plain HTTP with these lines in its configuration."""

    def started(*lines, **details):
        return start.configured(
            "\n".join(lines)
            + f"""
            listen = {{ "127.0.0.1:0" }}
            listen_http = {{ "127.0.0.1:0" }}
            metrics_listen = {{ "127.0.0.1:0" }}
            {site.settings(start.directory)}
            domain "example.com" {{ server = "m.example:1" }}
            """,
            **details,
        )

    return started


def try_to_connect(endpoint, **details):
    """A connection that was served, or None."""
    try:
        connection = endpoint.connect(**details)
    except OSError:
        return None
    if is_served(connection):
        return connection
    connection.close()
    return None


def test_one_address_cannot_take_more_than_its_connections(start_limited):
    https = start_limited("max_connections_per_ip = 3", "keepalive_timeout = 60").https[0]
    taken = [try_to_connect(https) for _ in range(3)]
    assert all(taken)
    assert try_to_connect(https) is None
    with try_to_connect(https, source="127.0.0.2"):
        pass  # another address is not affected
    assert all(is_served(connection) for connection in taken)
    taken.pop().close()
    taken.append(eventually(lambda: try_to_connect(https), "room for one more"))
    for connection in taken:
        connection.close()


def test_silent_connections_count_before_their_handshake(start_limited):
    daemon = start_limited("max_connections_per_ip = 3", "request_timeout = 60")
    https = daemon.https[0]
    silent = [https.open() for _ in range(3)]
    eventually(lambda: daemon.open_connections() == 3, "all three to be accepted")
    assert try_to_connect(https) is None
    for connection in silent:
        connection.close()
    eventually(lambda: try_to_connect(https), "room again").close()


def test_the_limit_by_address_holds_on_https_only(start_limited):
    daemon = start_limited("max_connections_per_ip = 3", "keepalive_timeout = 60")
    connections = [try_to_connect(daemon.http[0]) for _ in range(10)]
    assert all(connections)
    with try_to_connect(daemon.https[0]):
        pass
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("kind", ("http", "https"))
def test_there_are_no_more_connections_than_the_limit_in_all(start_limited, kind):
    # New clients take the place of those that wait: idle ones must not keep them out.
    patient = ("keepalive_timeout = 60", "request_timeout = 60")
    endpoint = getattr(start_limited("max_connections = 5", *patient), kind)[0]
    connections = [try_to_connect(endpoint) for _ in range(12)]
    assert all(connections)
    served = [is_served(connection) for connection in connections]
    assert sum(served) <= 5 and served[-1]
    for connection in connections:
        connection.close()
    eventually(lambda: try_to_connect(endpoint), "room again").close()


def test_an_address_at_its_limit_pushes_nobody_out(start_limited):
    # All places are taken: were one made free before the address is looked at, another's would go.
    limits = ("max_connections = 6", "max_connections_per_ip = 3", "keepalive_timeout = 60")
    https = start_limited(*limits).https[0]
    others = [try_to_connect(https, source="127.0.0.2") for _ in range(3)]
    taken = [try_to_connect(https) for _ in range(3)]
    for _ in range(20):
        assert try_to_connect(https) is None
    assert all(is_served(connection) for connection in others + taken)
    for connection in others + taken:
        connection.close()


@needs_clock
def test_each_limit_that_is_reached_is_told_once_a_minute(start_limited, tmp_path):
    clock = Clock(tmp_path / "clock", monotonic=True)
    limits = ("max_connections = 5", "max_connections_per_ip = 3", "keepalive_timeout = 600")
    daemon = start_limited(*limits, **clock.details)
    names = ("max_connections", "max_connections_per_ip")

    def reach_both():
        # Were some of the last time still counted, others would be closed for the first of these.
        eventually(lambda: daemon.open_connections() == 0, "all to be closed")
        room = "room for another"
        with contextlib.ExitStack() as taken:
            for _ in range(3):
                taken.enter_context(eventually(lambda: try_to_connect(daemon.https[0]), room))
            for _ in range(5):
                assert try_to_connect(daemon.https[0]) is None
            for _ in range(5):
                taken.enter_context(try_to_connect(daemon.http[0]))

    for minute in range(3):
        clock.set(f"+{61 * minute}s")
        reach_both()
        reach_both()
        told = [len(re.findall(rf"warning: {name}: ", daemon.log)) for name in names]
        assert told == [minute + 1, minute + 1], daemon.log


@pytest.mark.parametrize("kind", ("http", "https"))
def test_more_silent_connections_than_there_is_room_for_keep_nobody_out(start_limited, kind):
    limits = ("max_connections = 10", "max_connections_per_ip = 1000", "request_timeout = 60")
    endpoint = getattr(start_limited(*limits), kind)[0]
    with contextlib.ExitStack() as silent:
        for _ in range(200):  # whichever threads take them
            silent.enter_context(endpoint.open())
            assert endpoint.get().status == 200


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_connection_that_sends_nothing_is_closed(start_limited, kind):
    endpoint = getattr(start_limited("request_timeout = 1"), kind)[0]
    with endpoint.open() as silent:
        assert silent.recv(1) == b""


def test_a_handshake_that_does_not_go_on_is_closed(start_limited):
    https = start_limited("request_timeout = 1").https[0]
    with https.open() as stalled:
        stalled.sendall(client_hello())
        while stalled.recv(65536):
            pass


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_request_that_drips_in_is_closed_however_busy_it_is(start_limited, kind):
    # Were the time-out one of silence, a byte every 0.2 seconds would keep the connection.
    endpoint = getattr(start_limited("request_timeout = 1"), kind)[0]
    with endpoint.connect() as dripping:
        dripping.send(request_bytes()[:-4])
        deadline = time.monotonic() + scaled(8)
        with contextlib.suppress(OSError):
            while not dripping.is_closed():
                assert time.monotonic() < deadline, "still open"
                dripping.send(b"x")
                time.sleep(0.2)


def test_a_handshake_that_drips_in_is_closed(start_limited):
    https = start_limited("request_timeout = 1").https[0]
    hello = client_hello()
    with https.open() as dripping:
        started = time.monotonic()
        with pytest.raises(OSError):
            for byte in hello * 2:
                dripping.sendall(bytes([byte]))
                time.sleep(0.1)
                assert time.monotonic() - started < scaled(8), "still open"


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_kept_connection_that_is_idle_is_closed(start_limited, kind):
    endpoint = getattr(start_limited("keepalive_timeout = 1", "request_timeout = 60"), kind)[0]
    with endpoint.connect() as kept:
        assert kept.request().status == 200
        assert kept.request().status == 200
        assert kept.read_to_end() == b""


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_second_request_that_drips_in_is_closed_too(start_limited, kind):
    limits = ("request_timeout = 1", "keepalive_timeout = 1")
    endpoint = getattr(start_limited(*limits), kind)[0]
    with endpoint.connect() as dripping:
        assert dripping.request().status == 200
        dripping.send(request_bytes()[:-4])
        deadline = time.monotonic() + scaled(8)
        with contextlib.suppress(OSError):
            while not dripping.is_closed():
                assert time.monotonic() < deadline, "still open"
                dripping.send(b"x")
                time.sleep(0.2)


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_client_that_does_not_read_its_answers_is_closed(start_limited, kind):
    endpoint = getattr(start_limited("request_timeout = 1", "keepalive_timeout = 1"), kind)[0]
    with endpoint.connect() as deaf:
        deaf.stream.settimeout(0.5)
        deadline = time.monotonic() + scaled(20)
        with pytest.raises(OSError):
            while time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    deaf.send(request_bytes() * 100)


def test_clients_that_stall_do_not_keep_others_from_being_served(start_limited):
    daemon = start_limited("max_connections_per_ip = 500")
    stalled = [daemon.https[0].open() for _ in range(200)]
    for connection in stalled[::2]:
        connection.sendall(client_hello())
    for _ in range(20):
        assert daemon.https[0].get().status == 200
    for connection in stalled:
        connection.close()


def test_when_open_files_run_out_newcomers_are_served_and_no_cpu_is_burnt(start):
    few = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))}
    daemon = start.plain(**few)
    with contextlib.ExitStack() as silent:
        for _ in range(80):
            silent.enter_context(daemon.http[0].open())
        before = daemon.cpu_seconds()
        time.sleep(1)
        assert daemon.cpu_seconds() - before < 0.2
        eventually(daemon.http[0].serves, "a newcomer to be served")
    assert daemon.http[0].get().status == 200
    assert "open files" in daemon.log
