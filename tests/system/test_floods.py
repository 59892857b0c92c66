"""Clients that ask, or come and go, as fast as they can: others are served, and nothing piles up."""

import pytest
from harness.daemon import is_sanitized
from harness.flood import Flood
from harness.waiting import eventually, scaled
from harness.wire import client_hello, request_bytes

HONEST = 50  # fetches of another client meanwhile
GROWTH_KIB = 1024


@pytest.fixture
def daemon(start, site):
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        request_timeout = {round(scaled(1))}
        keepalive_timeout = {round(scaled(1))}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )


def bear(daemon, endpoint, kind, data):
    """A flood that takes nothing from others and leaves nothing behind. Returns how much it was."""
    with Flood(endpoint, kind, data):  # what is allocated once is
        assert endpoint.serves()
    descriptors, memory = daemon.descriptor_count(), daemon.resident_kib()
    with Flood(endpoint, kind, data) as flood:
        for _ in range(HONEST):
            assert daemon.http[0].get().status == daemon.https[0].get().status == 200
        grown = daemon.resident_kib() - memory
    eventually(lambda: daemon.descriptor_count() <= descriptors, "the descriptors to be closed")
    assert is_sanitized() or grown < GROWTH_KIB
    return flood.done


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_pipelining_flood_is_answered_and_delays_nobody_for_long(daemon, kind):
    answered = bear(daemon, getattr(daemon, kind)[0], "pipeline", request_bytes() * 100)
    assert answered > 100


@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_pipelining_flood_whose_answers_nobody_reads_piles_nothing_up(daemon, kind):
    bear(daemon, getattr(daemon, kind)[0], "deaf", request_bytes() * 100)


BEGINNINGS = {"nothing": b"", "a ClientHello": client_hello(), "a request": request_bytes()}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
@pytest.mark.parametrize("how", ("close", "reset"))
@pytest.mark.parametrize("kind", ("http", "https"))
def test_a_flood_of_clients_that_leave_at_once_keeps_nobody_out(daemon, kind, how, beginning):
    assert bear(daemon, getattr(daemon, kind)[0], how, beginning) > 100
