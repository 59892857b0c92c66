"""Nothing waits that could run side by side: measured in round trips, over a slow link."""

import time

import pytest
from world.internet import SLOWNESS

ROUND_TRIP = 0.4
# The longest chain of a name with a document, addresses and no SRV records: the addresses; TCP,
# TLS 1.3 and HTTP for the document; the delegated name's addresses; TCP, TLS and HTTP for the keys.
CHAIN = 1 + 3 + 1 + 3


def duration(internet, machine):
    begin = time.monotonic()
    result = internet.check("step-3-2-from-nginx.example", machine=machine)
    assert result.returncode == 0, result.stdout
    return time.monotonic() - begin


@pytest.mark.quiet
def test_a_working_name_with_two_addresses_takes_less_than_one_and_a_half_times_its_round_trips(
    internet,
):
    internet.internet.add_slow_machine(ROUND_TRIP)
    internet.check("step-3-2-from-nginx.example", machine="slow")  # the machines get to know MACs
    slow = duration(internet, "slow")
    fast = min(duration(internet, "tester") for _ in range(3))
    assert CHAIN * ROUND_TRIP < slow < 1.5 * CHAIN * ROUND_TRIP * SLOWNESS
    # Where packets take no time there is nothing to wait for.
    assert fast < slow / 6 * SLOWNESS
