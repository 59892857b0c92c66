"""Listeners: wildcards of both families, addresses that change hands, ports that are taken."""

import os
import re
import socket
import subprocess
import sys

import pytest
from harness.calls import FailingCalls, needs_failing_calls
from harness.daemon import SERVER_OPTION, free_port
from harness.load import Load
from harness.waiting import eventually

KINDS = {"https": "listen", "http": "listen_http", "metrics": "metrics_listen"}


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")


def text_with(site, directory, server="one.example:1", **addresses):
    lists = "".join(
        KINDS[kind] + " = { " + ", ".join(f'"{one}"' for one in some) + " }\n"
        for kind, some in addresses.items()
    )
    domain = 'domain "example.com" { server = "' + server + '" }\n'
    return lists + site.settings(directory) + domain


def reload_with(daemon, text):
    """Writes this configuration, reloads, and returns the log from there on."""
    mark = len(daemon.log)
    daemon.configuration.write_text(text)
    daemon.reload()
    daemon.wait_for_log("^ready|not reloaded", mark)
    return daemon.log[mark:]


def works(daemon, kind, host, port=0):
    """Whether clients get there what a listener of that kind answers."""
    path = "/metrics" if kind == "metrics" else "/.well-known/matrix/server"
    try:
        answer = daemon.endpoint(host, port, tls=kind == "https").get(path)
    except OSError:
        return False
    expected = b"matrix_wellknownd_" if kind == "metrics" else b"one.example:1"
    return answer.status == 200 and expected in answer.body


# An address that changes hands


@pytest.mark.parametrize("place", ("tcp", "unix"))
def test_an_address_moves_through_all_kinds(start, site, tmp_path, place):
    port = free_port() if place == "tcp" else 0
    address = f"127.0.0.1:{port}" if port else f"unix:{tmp_path}/a.sock"
    host = "127.0.0.1" if port else f"{tmp_path}/a.sock"
    kinds = ["https", "http", "metrics", "https", "metrics", "http"]
    daemon = start.configured(text_with(site, tmp_path, **{kinds[0]: [address]}))
    assert works(daemon, kinds[0], host, port)
    for kind in kinds[1:]:
        log = reload_with(daemon, text_with(site, tmp_path, **{kind: [address]}))
        assert "not reloaded" not in log
        eventually(lambda k=kind: works(daemon, k, host, port), f"{kind} there")


def test_two_addresses_change_places(start, site, tmp_path):
    one, two = free_port(), free_port()
    daemon = start.configured(
        text_with(site, tmp_path, https=[f"127.0.0.1:{one}"], http=[f"127.0.0.1:{two}"])
    )
    for https, http in ((two, one), (one, two)):
        text = text_with(
            site, tmp_path, https=[f"127.0.0.1:{https}"], http=[f"127.0.0.1:{http}"]
        )
        assert "not reloaded" not in reload_with(daemon, text)
        assert works(daemon, "https", "127.0.0.1", https)
        assert works(daemon, "http", "127.0.0.1", http)


def test_moving_one_listener_leaves_the_clients_of_another_alone(start, site, tmp_path):
    moving, port = free_port(), free_port()
    daemon = start.configured(
        text_with(site, tmp_path, https=[f"127.0.0.1:{moving}"], http=[f"127.0.0.1:{port}"])
    )
    with Load(*daemon.http) as load:
        for kind in ("metrics", "https") * 10:
            lists = {"http": [f"127.0.0.1:{port}"]}
            lists[kind] = [f"127.0.0.1:{moving}"]
            assert "not reloaded" not in reload_with(daemon, text_with(site, tmp_path, **lists))
    assert load.failures == [] and load.served > 0


# Addresses that share a port: of the old listener that is to go, and the new one


SHARING = (
    ("127.0.0.1:{}", "0.0.0.0:{}"),
    pytest.param("127.0.0.1:{}", "[::]:{}", marks=needs_ipv6),
    pytest.param("0.0.0.0:{}", "[::]:{}", marks=needs_ipv6),
    pytest.param("[::1]:{} 127.0.0.1:{}", "[::]:{}", marks=needs_ipv6),
    pytest.param("[::]:{}", "[::]:{} 0.0.0.0:{}", marks=needs_ipv6),
)


def addresses_of(pattern, port):
    return pattern.replace("{}", str(port)).split()


@pytest.mark.parametrize("old, new", SHARING)
@pytest.mark.parametrize("back", (False, True), ids=("there", "back"))
def test_a_new_listener_takes_the_port_of_one_that_goes(start, site, tmp_path, old, new, back):
    old, new = (new, old) if back else (old, new)
    port = free_port()
    daemon = start.configured(text_with(site, tmp_path, http=addresses_of(old, port)))
    assert works(daemon, "http", "127.0.0.1", port)
    text = text_with(site, tmp_path, http=addresses_of(new, port))
    assert "not reloaded" not in reload_with(daemon, text)
    eventually(lambda: works(daemon, "http", "127.0.0.1", port), "the new listener")
    if "[" in new:
        eventually(lambda: works(daemon, "http", "::1", port), "the new listener, by IPv6")


@needs_failing_calls
@pytest.mark.parametrize("old, new", SHARING)
def test_where_the_next_listener_fails_the_old_one_listens_again(start, site, tmp_path, old, new):
    calls = FailingCalls(tmp_path)
    port = free_port()
    before = text_with(site, tmp_path, http=addresses_of(old, port))
    daemon = start.configured(before, **calls.details)
    after = text_with(site, tmp_path, http=addresses_of(new, port))
    for _ in range(3):
        calls.fail("epoll_add", "ENOSPC", times=1)
        assert "not reloaded" in reload_with(daemon, after)
        for _ in range(5):
            assert works(daemon, "http", "127.0.0.1", port)
    assert "not reloaded" not in reload_with(daemon, after)
    eventually(lambda: works(daemon, "http", "127.0.0.1", port), "the new listener")


# Wildcards of both families


@needs_ipv6
def test_wildcards_of_both_families_stand_beside_each_other(start, site, tmp_path):
    port = free_port()
    lists = {"https": [f"0.0.0.0:{port}", f"[::]:{port}"]}
    daemon = start.configured(text_with(site, tmp_path, **lists))
    assert works(daemon, "https", "127.0.0.1", port) and works(daemon, "https", "::1", port)
    assert f"https://0.0.0.0:{port} https://[::]:{port}" in daemon.log
    assert "not reloaded" not in reload_with(daemon, text_with(site, tmp_path, **lists))
    assert works(daemon, "https", "127.0.0.1", port) and works(daemon, "https", "::1", port)


@needs_ipv6
def test_they_can_be_of_different_kinds(start, site, tmp_path):
    port = free_port()
    lists = {"https": [f"[::]:{port}"], "http": [f"0.0.0.0:{port}"]}
    daemon = start.configured(text_with(site, tmp_path, **lists))
    assert works(daemon, "http", "127.0.0.1", port) and works(daemon, "https", "::1", port)


# A port that is taken


HOLDER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Another program that listens; its process and port."""
    line = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process, int(process.stdout.readline())
        process.stdin.close()


@pytest.mark.parametrize("address", ("127.0.0.1:{}", "0.0.0.0:{}"))
def test_the_message_names_the_program_that_has_the_port(start, holder, address):
    process, port = holder
    address = address.format(port)
    daemon = start.without_waiting(*SERVER_OPTION, "--listen-http", address)
    assert daemon.wait() == 1
    assert re.search(
        rf"cannot listen on {address}: .*: python\S* \(process {process.pid}\) has it", daemon.log
    )


def test_the_message_names_the_program_that_has_the_path(start, tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{tmp_path}/a.sock")
        other.listen()
        daemon = start.without_waiting(*SERVER_OPTION, "--listen-http", f"unix:{tmp_path}/a.sock")
        assert daemon.wait() == 1
    assert f"(process {os.getpid()}) has it" in daemon.log


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_where_it_cannot_be_seen_it_is_another_program(start, holder):
    _, port = holder
    daemon = start.without_waiting(
        *SERVER_OPTION, "--listen-http", f"127.0.0.1:{port}", user="nobody", group="nogroup"
    )
    assert daemon.wait() == 1
    assert "another program has it" in daemon.log


def test_two_listeners_of_ours_on_one_port_are_named(start):
    port = free_port()
    line = ("--listen-http", f"0.0.0.0:{port}", "--metrics-listen", f"127.0.0.1:{port}")
    daemon = start.without_waiting(*SERVER_OPTION, *line)
    assert daemon.wait() == 1
    assert f"the listener on 0.0.0.0:{port} has it" in daemon.log
