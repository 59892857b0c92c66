"""System calls that a container's seccomp profile refuses, or a kernel lacks: each is named."""

import errno
import os
import re
import time

import pytest
from harness import kernel
from harness.calls import FailingCalls, needs_failing_calls
from harness.clock import Clock, needs_clock
from harness.daemon import HTTPS, PLAIN, SERVER_OPTION, is_sanitized
from harness.waiting import eventually

pytestmark = pytest.mark.skipif(
    not kernel.SUPPORTED or is_sanitized(), reason="written for x86-64 and AArch64 only"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def failure_of(daemon):
    assert daemon.wait() == 1
    assert "ready" not in daemon.log
    return daemon.log


@pytest.mark.parametrize("call", ("prctl", "capset", "prlimit64"))
def test_without_a_call_that_gives_up_privileges_it_does_not_run(start, call):
    if call == "capset" and os.geteuid() != 0:
        pytest.skip("needs root, who has something to give up")
    daemon = start.without_waiting(*SERVER_OPTION, *PLAIN, **kernel.refusing(call))
    assert re.search(rf"privileges: {call}.*: Operation not permitted: allow", failure_of(daemon))


@needs_root
@pytest.mark.parametrize("call", ("prctl", "capset"))
def test_nor_without_one_that_it_takes_to_become_another_user(start, call):
    line = (*SERVER_OPTION, *PLAIN, "--user", "nobody")
    daemon = start.without_waiting(*line, **kernel.refusing(call))
    assert re.search(rf'user "nobody".*: {call}.*: Operation not permitted', failure_of(daemon))


def test_refused_accept_is_logged_once_and_costs_little(start):
    daemon = start.plain(**kernel.refusing("accept4"))
    with daemon.http[0].open():
        daemon.wait_for_log("cannot accept.*accept4: Operation not permitted")
        before = daemon.cpu_seconds()
        time.sleep(1)
        assert daemon.cpu_seconds() - before < 0.5, "a busy loop"
    assert daemon.log.count("accept4") == 1


@needs_failing_calls
def test_after_accept_has_failed_clients_are_served(start, tmp_path):
    calls = FailingCalls(tmp_path)
    daemon = start.plain(**calls.details)
    for error in ("EPERM", "ENOSYS", "ECONNABORTED", "EPROTO"):
        calls.fail("accept4", error, times=3)
        assert daemon.http[0].get().status == 200
    assert daemon.log.count("cannot accept") == 1


@pytest.mark.parametrize("error", (errno.ENOSYS, errno.EPERM), ids=("ENOSYS", "EPERM"))
def test_without_getrandom_it_serves_https_by_the_device(start, site, tmp_path, error):
    line = (*SERVER_OPTION, *HTTPS, *site.options(tmp_path))
    daemon = start(*line, **kernel.without("getrandom", error=error))
    for _ in range(10):
        assert daemon.https[0].get().status == 200
    daemon.reload()
    eventually(lambda: daemon.log.count("ready") == 2, "the reload")
    assert daemon.https[0].serves()


@needs_failing_calls
@pytest.mark.parametrize("more", ((), ("--self-signed",)), ids=("plain", "self-signed"))
def test_without_random_numbers_it_does_not_start(start, tmp_path, more):
    calls = FailingCalls(tmp_path)
    calls.fail("getrandom", "EIO")
    daemon = start.without_waiting(*SERVER_OPTION, *PLAIN, *more, **calls.details)
    assert "no random numbers" in failure_of(daemon)


@needs_failing_calls
def test_handshakes_are_refused_while_there_are_no_random_numbers(start, site, tmp_path):
    """Each thread asks for the first of its own when a handshake needs them."""
    calls = FailingCalls(tmp_path)
    line = (*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    daemon = start(*line, **calls.details)
    calls.fail("getrandom", "EIO")
    for _ in range(20):
        assert not daemon.https[0].serves()
    assert daemon.http[0].serves()
    assert daemon.log.count("no random numbers") == 1
    calls.mend("getrandom")
    for _ in range(20):
        assert daemon.https[0].serves()


@needs_clock
@needs_failing_calls
def test_a_generator_that_cannot_be_seeded_anew_leaves_the_library_well(start, site, tmp_path):
    """GnuTLS seeds anew after two hours. In the middle of a handshake its failure would be for good."""
    calls, clock = FailingCalls(tmp_path), Clock(tmp_path / "clock")
    preload = f"{calls.environment['LD_PRELOAD']} {clock.details['environment']['LD_PRELOAD']}"
    environment = {**clock.details["environment"], **calls.environment, "LD_PRELOAD": preload}
    line = (*SERVER_OPTION, *HTTPS, *site.options(tmp_path))
    daemon = start(*line, environment=environment)
    for _ in range(20):
        assert daemon.https[0].serves()
    clock.set("+3h")
    calls.fail("getrandom", "EIO")
    for _ in range(20):
        assert not daemon.https[0].serves()
    assert daemon.log.count("no random numbers") == 1
    calls.mend("getrandom")
    for _ in range(20):
        assert daemon.https[0].serves()
