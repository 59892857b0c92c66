"""Which connection goes at max_connections: one of the address that holds the most, whatever it does."""

import contextlib
import time

import pytest
from harness.waiting import eventually
from harness.wire import client_hello, is_served, request_bytes

ROOM = 8
HEAVY = "127.0.0.9"


@pytest.fixture
def full(start, site, request):
    """A daemon with room for few connections, which wait for long."""
    return start.configured(
        f"""
        {getattr(request, "param", "")}
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        metrics_listen = {{ "127.0.0.1:0" }}
        max_connections = {ROOM}
        request_timeout = 60
        keepalive_timeout = 60
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )


# Among equals each worker knows its own connections alone.
one_worker = pytest.mark.parametrize("threads", (1,))


def silent(endpoint):
    return endpoint.open(HEAVY)


def half_a_hello(endpoint):
    connection = endpoint.open(HEAVY)
    connection.sendall(client_hello()[:100])
    return connection


def after_its_hello(endpoint):
    connection = endpoint.open(HEAVY)
    connection.sendall(client_hello())
    assert connection.recv(1)
    return connection


def after_its_handshake(endpoint):
    return endpoint.connect(source=HEAVY)


def half_a_request(endpoint):
    connection = endpoint.connect(source=HEAVY)
    connection.send(request_bytes()[:-4])
    return connection


def half_a_body(endpoint):
    connection = endpoint.connect(source=HEAVY)
    connection.send(request_bytes(method="POST", headers=[("Content-Length", "100")]) + b"x")
    return connection


def idle(endpoint):
    connection = endpoint.connect(source=HEAVY)
    assert is_served(connection)
    return connection


def reading_no_answers(endpoint):
    connection = endpoint.connect(source=HEAVY)
    connection.stream.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while True:
            connection.send(request_bytes() * 50)
    return connection


EVERYWHERE = (silent, half_a_request, half_a_body, idle, reading_no_answers)
BY_TLS = (half_a_hello, after_its_hello, after_its_handshake)


@pytest.mark.parametrize("newcomers", ("http", "https"))
@pytest.mark.parametrize(
    ("kind", "state"),
    [(kind, state) for kind in ("http", "https") for state in EVERYWHERE]
    + [("https", state) for state in BY_TLS],
)
def test_the_address_that_holds_most_loses_one(full, kind, state, newcomers):
    """Three addresses with one connection each keep theirs, and so do the new ones."""
    endpoint, new = getattr(full, kind)[0], getattr(full, newcomers)[0]
    with contextlib.ExitStack() as stack:
        light = [
            stack.enter_context(getattr(full, light_kind)[0].connect(source=f"127.0.0.{number}"))
            for number, light_kind in ((2, "http"), (3, "https"), (4, "https"))
        ]
        assert all(is_served(connection) for connection in light)
        for _ in range(3 * ROOM):  # more than there is room for, whichever worker has them
            stack.enter_context(state(endpoint))
        for number in range(10, 10 + ROOM - 4):
            light.append(stack.enter_context(new.connect(source=f"127.0.0.{number}")))
            assert is_served(light[-1])
        assert [is_served(connection) for connection in light] == [True] * len(light)


# Each thread closes of its own: one alone knows which of all has waited for longest.
with_one_thread = pytest.mark.parametrize("full", ("threads = 1",), indirect=True, ids=("",))


@with_one_thread
@one_worker
@pytest.mark.parametrize("kind", ("http", "https"))
def test_among_equals_the_one_that_has_waited_for_longest_goes(full, kind, threads):
    assert threads == 1
    endpoint = getattr(full, kind)[0]
    with contextlib.ExitStack() as stack:
        connections = []
        for number in range(2, 2 + ROOM + 3):
            connections.append(stack.enter_context(endpoint.connect(source=f"127.0.0.{number}")))
            assert is_served(connections[-1])
            time.sleep(0.1)  # longer than a moment counts
        served = [is_served(connection) for connection in connections]
        assert served == [False] * 3 + [True] * ROOM


@with_one_thread
@one_worker
def test_of_one_address_the_one_that_has_waited_for_longest_goes(full, threads):
    assert threads == 1
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(ROOM + 3):
            connections.append(stack.enter_context(full.http[0].connect()))
            assert is_served(connections[-1])
            time.sleep(0.1)
        served = [is_served(connection) for connection in connections]
        assert served == [False] * 3 + [True] * ROOM


def test_nobody_is_evicted_where_there_is_room(full):
    """A thread that was asked to close one owes none any more, once others have closed."""
    http = full.http[0]
    for number in range(50):
        with contextlib.ExitStack() as stack:
            for _ in range(ROOM):
                assert is_served(stack.enter_context(http.connect()))
            early = [http.open() for _ in range(ROOM)]  # and the others close at the same time
        for connection in early:
            connection.close()
        with contextlib.ExitStack() as stack:
            eventually(lambda: full.open_connections() == 0, "all to be closed")
            # With the connection that has just asked for metrics they are as many as may be.
            kept = [stack.enter_context(http.connect()) for _ in range(ROOM - 1)]
            assert all(is_served(connection) for connection in kept)
            full.reload()  # wakes all threads
            eventually(lambda n=number: full.log.count("ready") == n + 2, "the reload")
            assert [is_served(connection) for connection in kept] == [True] * (ROOM - 1)
