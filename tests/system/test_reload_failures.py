"""A reload of which some step fails: nothing of it is in force, and the next one works."""

import errno
import itertools
import os
import re
import socket
from pathlib import Path

import pytest
from harness.calls import FailingCalls, needs_failing_calls
from harness.daemon import free_port
from harness.waiting import eventually

pytestmark = needs_failing_calls

TEXT = """
threads = 3
{listeners}
{more}
domain "example.com" {{ server = "{server}" }}
"""


def text_with(server="one.example:1", more="", **listeners):
    lines = (
        f"{key} = {{ {', '.join(repr(one).replace(chr(39), chr(34)) for one in addresses)} }}"
        for key, addresses in listeners.items()
    )
    return TEXT.format(server=server, more=more, listeners="\n".join(lines))


def reload_with(daemon, text):
    """Writes this configuration, reloads, and returns the log from there on."""
    mark = len(daemon.log)
    daemon.configuration.write_text(text)
    daemon.reload()
    daemon.wait_for_log(r"^ready|not reloaded|\"ready|not reloaded", mark)
    return daemon.log[mark:]


def epoll_sets_that_know(daemon, port):
    """How many epoll sets of the daemon have the socket that listens on this port."""
    listening = set()
    table = Path(f"/proc/{daemon.pid}/net/tcp").read_text().splitlines()[1:]
    for row in map(str.split, table):
        if row[1].endswith(f":{port:04X}") and row[3] == "0A":
            listening.add(f"socket:[{row[9]}]")
    folder = Path(f"/proc/{daemon.pid}/fd")
    files = {number for number in os.listdir(folder) if os.readlink(folder / number) in listening}
    count = 0
    for file in Path(f"/proc/{daemon.pid}/fdinfo").iterdir():
        watched = re.findall(r"^tfd:\s*(\d+)", file.read_text(), re.MULTILINE)
        count += bool(files & set(watched))
    return count


def refuses(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to look into the daemon")
def test_each_event_that_cannot_be_added_undoes_all_of_it(start, site, tmp_path):
    calls = FailingCalls(tmp_path)
    first = text_with(listen_http=["127.0.0.1:0"])
    daemon = start.configured(first, **calls.details)
    https, http = free_port(), free_port()
    second = text_with(
        "two.example:2",
        more=site.settings(tmp_path) + 'log_format = "json"\nlog_level = "debug"\n',
        listen=[f"127.0.0.1:{https}"],
        listen_http=["127.0.0.1:0", f"127.0.0.1:{http}"],
    )
    for number in itertools.count():
        calls.fail("epoll_add", "ENOSPC", times=1, after=number)
        log = reload_with(daemon, second)
        if calls.left("epoll_add"):
            break
        assert "not reloaded" in log and not re.search("^{", log, re.MULTILINE), log
        assert daemon.http[0].get().json == {"m.server": "one.example:1"}
        assert refuses(https) and refuses(http)
        calls.mend("epoll_add")
        reload_with(daemon, first)
    assert number >= 6, "three workers, two listeners"
    calls.mend("epoll_add")
    assert daemon.http[0].get().json == {"m.server": "two.example:2"}
    for port in (https, http):
        assert epoll_sets_that_know(daemon, port) == 3
    assert daemon.endpoint("127.0.0.1", https, tls=True).serves()
    assert daemon.endpoint("127.0.0.1", http).serves()
    assert '"ready' in log, "the new format"


@pytest.mark.parametrize("function", ("bind", "listen"))
def test_a_second_listener_that_cannot_be_opened_closes_the_first(start, tmp_path, function):
    calls = FailingCalls(tmp_path)
    daemon = start.configured(text_with(listen_http=["127.0.0.1:0"]), **calls.details)
    ports = free_port(), free_port()
    second = text_with(
        "two.example:2", listen_http=["127.0.0.1:0", *(f"127.0.0.1:{port}" for port in ports)]
    )
    calls.fail(function, "ENOBUFS", times=1, after=1)
    assert "not reloaded" in reload_with(daemon, second)
    assert daemon.http[0].get().json == {"m.server": "one.example:1"}
    assert all(map(refuses, ports))
    assert "not reloaded" not in reload_with(daemon, second)
    assert all(daemon.endpoint("127.0.0.1", port).serves() for port in ports)


def test_the_log_keeps_its_format_and_level_where_a_reload_fails(start, tmp_path):
    calls = FailingCalls(tmp_path)
    daemon = start.configured(text_with(listen_http=["127.0.0.1:0"]), **calls.details)
    calls.fail("listen", "ENOBUFS")
    more = 'log_format = "json"\nlog_level = "error"\n'
    new = text_with(more=more, listen_http=["127.0.0.1:0", "127.0.0.1:0"])
    assert "\nmatrix-wellknownd: not reloaded" in reload_with(daemon, new)
    daemon.reload()
    eventually(lambda: daemon.log.count("\nreloading") == 2, "a line of level info, in text")


def test_what_a_reload_cannot_change_is_warned_of(start):
    daemon = start.configured(text_with(listen_http=["127.0.0.1:0"]))
    more = 'user = "nobody"\nmax_connections = 5000\n'
    log = reload_with(daemon, text_with(more=more, listen_http=["127.0.0.1:0"]).replace("3", "2"))
    for setting in ("user", "threads", "max_connections"):
        assert re.search(f"warning: {setting}: .*at the next start", log), log
    assert "at the next start" not in reload_with(daemon, text_with(listen_http=["127.0.0.1:0"]))
