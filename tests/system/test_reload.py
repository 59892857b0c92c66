"""SIGHUP: configuration read again, whole or not at all, while clients fetch."""

import json
import re
import socket

import pytest
from harness.daemon import free_port, is_sanitized
from harness.load import Load
from harness.service_manager import NotifySocket
from harness.waiting import eventually
from harness.wire import CLIENT, request_bytes

TEXT = """
listen_http = {{ {listen} }}
{more}
domain "example.com" {{ server = "{server}" }}
"""
RELOADS = 1000


def text_with(server="one.example:1", listen=("127.0.0.1:0",), more=""):
    addresses = ", ".join(f'"{address}"' for address in listen)
    return TEXT.format(server=server, listen=addresses, more=more)


def answers(endpoint, server, **details):
    try:
        return endpoint.get(**details).json == {"m.server": server}
    except OSError:
        return False


def accepts(endpoint):
    try:
        endpoint.open().close()
        return True
    except OSError:
        return False


def reload_with(daemon, text):
    """Writes this configuration and sends the signal; does not wait."""
    daemon.configuration.write_text(text)
    daemon.reload()


def test_new_documents_are_served_after_sighup(start):
    daemon = start.configured(text_with())
    assert answers(daemon.http[0], "one.example:1")
    reload_with(daemon, text_with("two.example:2"))
    eventually(lambda: answers(daemon.http[0], "two.example:2"), "the new document")


def test_without_sighup_a_changed_file_changes_nothing(start):
    daemon = start.configured(text_with())
    daemon.configuration.write_text(text_with("two.example:2"))
    assert answers(daemon.http[0], "one.example:1")


def test_domains_come_and_go(start):
    daemon = start.configured(text_with())
    new = text_with().replace("example.com", "new.example")
    reload_with(daemon, new)
    eventually(lambda: answers(daemon.http[0], "one.example:1", host="new.example"), "the new one")
    assert daemon.http[0].get(host="example.com").status == 404


def test_a_changed_client_extra_is_read_again(start):
    extra = start.directory / "extra.json"
    extra.write_text('{"a.key": 1}')
    more = 'client = "https://m.example"\nclient_extra = "extra.json"'
    daemon = start.configured(
        f'listen_http = {{ "127.0.0.1:0" }}\ndomain "example.com" {{ server = "m:1"\n{more} }}\n'
    )
    assert daemon.http[0].get(CLIENT).json["a.key"] == 1
    extra.write_text('{"a.key": 2}')
    daemon.reload()
    eventually(lambda: daemon.http[0].get(CLIENT).json["a.key"] == 2, "the changed extra")


def test_a_changed_document_has_another_etag_and_the_unchanged_the_same(start):
    daemon = start.configured(text_with())
    etag = daemon.http[0].get()["ETag"]
    reload_with(daemon, text_with("two.example:2"))
    eventually(lambda: answers(daemon.http[0], "two.example:2"), "the new document")
    assert daemon.http[0].get(headers=[("If-None-Match", etag)]).status == 200
    reload_with(daemon, text_with())
    eventually(lambda: answers(daemon.http[0], "one.example:1"), "the old document")
    assert daemon.http[0].get(headers=[("If-None-Match", etag)]).status == 304


@pytest.mark.parametrize(
    "broken, line",
    (
        (text_with("https://two.example"), 4),
        (text_with(more="unknown = 1"), 3),
        ("\n\n\nnonsense {", 4),
    ),
)
def test_a_broken_file_keeps_the_old_answers_and_the_log_says_why(start, broken, line):
    daemon = start.configured(text_with())
    reload_with(daemon, broken)
    daemon.wait_for_log(rf"matrix-wellknownd: {re.escape(str(daemon.configuration))}:{line}: .+")
    assert answers(daemon.http[0], "one.example:1")
    reload_with(daemon, text_with("two.example:2"))
    eventually(lambda: answers(daemon.http[0], "two.example:2"), "the mended file to be taken")


def test_a_file_that_is_gone_keeps_the_old_answers(start):
    daemon = start.configured(text_with())
    daemon.configuration.unlink()
    daemon.reload()
    daemon.wait_for_log(rf"matrix-wellknownd: .*{re.escape(str(daemon.configuration))}")
    assert answers(daemon.http[0], "one.example:1")


def test_a_broken_certificate_at_reload_keeps_the_old_pair(start, site):
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "one.example:1" }}
        """
    )
    (start.directory / "site.pem").write_text("garbage")
    daemon.reload()
    daemon.wait_for_log(r"matrix-wellknownd: .*site\.pem")
    assert daemon.https[0].certificate() == site.leaf
    assert answers(daemon.https[0], "one.example:1")


def test_command_line_and_environment_win_after_a_reload_too(start):
    daemon = start.configured(
        text_with(more="max_age = 10"), "--max-age", "20",
        environment={"MATRIX_WELLKNOWND_MAX_AGE": "30"},
    )
    reload_with(daemon, text_with("two.example:2", more="max_age = 40"))
    eventually(lambda: answers(daemon.http[0], "two.example:2"), "the new document")
    assert daemon.http[0].get()["Cache-Control"] == "public, max-age=20"


def test_without_a_file_sighup_does_no_harm(start):
    daemon = start.plain()
    for _ in range(3):
        daemon.reload()
        assert daemon.http[0].get().status == 200


def test_a_listener_on_port_0_stays_where_it_is(start):
    daemon = start.configured(text_with())
    reload_with(daemon, text_with("two.example:2"))
    eventually(lambda: answers(daemon.http[0], "two.example:2"), "the new document on the old port")


def test_an_added_listener_is_opened_and_a_dropped_one_closed(start, tmp_path):
    one, two = (f"127.0.0.1:{free_port()}" for _ in range(2))
    # A directory that the daemon makes sockets in it must know from the start.
    unix, other = tmp_path / "added.sock", f"unix:{tmp_path}/first.sock"
    daemon = start.configured(text_with(listen=(one, other)))
    first = daemon.http[0]
    second = daemon.endpoint("127.0.0.1", int(two.rpartition(":")[2]))
    third = daemon.endpoint(unix)
    reload_with(daemon, text_with(listen=(one, two, f"unix:{unix}")))
    for endpoint in (first, second, third):
        eventually(lambda e=endpoint: answers(e, "one.example:1"), f"{endpoint} to be served")
    reload_with(daemon, text_with(listen=(two,)))
    for endpoint in (first, third):
        eventually(lambda e=endpoint: not accepts(e), f"{endpoint} to be closed")
    assert answers(second, "one.example:1")
    assert not unix.exists()


def test_https_and_metrics_listeners_can_be_added(start, site):
    https, metrics = free_port(), free_port()
    daemon = start.configured(text_with())
    reload_with(
        daemon,
        f'listen = {{ "127.0.0.1:{https}" }}\nmetrics_listen = {{ "127.0.0.1:{metrics}" }}\n'
        + site.settings(start.directory)
        + text_with(),
    )
    endpoint = daemon.endpoint("127.0.0.1", https, tls=True)
    eventually(lambda: accepts(endpoint), "the HTTPS listener")
    assert answers(endpoint, "one.example:1")
    eventually(lambda: accepts(daemon.endpoint("127.0.0.1", metrics)), "the metrics listener")


def test_a_new_listener_that_cannot_be_opened_changes_nothing(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = start.configured(text_with())
        after = len(daemon.log)
        reload_with(daemon, text_with("two.example:2", listen=("127.0.0.1:0", address)))
        daemon.wait_for_log(rf"matrix-wellknownd: .*{address}", after)
        assert answers(daemon.http[0], "one.example:1")


def test_a_connection_kept_open_over_a_dropped_listener_is_not_left_hanging(start):
    one, two = (f"127.0.0.1:{free_port()}" for _ in range(2))
    daemon = start.configured(text_with(listen=(one,)))
    with daemon.http[0].connect() as connection:
        connection.request()
        reload_with(daemon, text_with(listen=(two,)))
        eventually(lambda: not accepts(daemon.http[0]), "the dropped listener to be closed")
        eventually(connection.is_closed, "the connection to end")


def test_1000_reloads_under_clients_fail_no_request_and_do_not_grow(start, site, tmp_path):
    text = f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "%s" client = "https://m.example" }}
        """
    with NotifySocket(tmp_path / "notify") as news:
        daemon = start.configured(text % "zero.example", environment=news.environment)
        news.wait_for("READY")
        with Load(daemon.https[0], daemon.http[0]) as load:
            for number in range(RELOADS):
                if number == 100:
                    early, descriptors = daemon.resident_kib(), daemon.descriptor_count()
                reload_with(daemon, text % f"m{number % 7}.example:1")
                news.wait_for("RELOADING")
                news.wait_for("READY")
        assert load.failures == []
        assert load.served > 100
        assert daemon.http[0].get().json == {"m.server": f"m{(RELOADS - 1) % 7}.example:1"}
        eventually(lambda: daemon.descriptor_count() <= descriptors + 2, "descriptors to be closed")
        if not is_sanitized():
            assert daemon.resident_kib() - early < 1024, "memory grew by over 1 MB in 900 reloads"


def test_signals_faster_than_reloads_end_with_the_last_file(start):
    daemon = start.configured(text_with())
    for number in range(200):
        reload_with(daemon, text_with(f"m{number}.example:1"))
    eventually(lambda: answers(daemon.http[0], "m199.example:1"), "the last file")


def test_a_reload_of_many_domains_takes_none_away_meanwhile(start):
    domain = 'domain "d%d.example" { server = "m%d.example:1" }\n'
    domains = "".join(domain % (number, number) for number in range(500))
    daemon = start.configured(text_with() + domains)
    with Load(daemon.http[0]) as load:
        for number in range(10):
            reload_with(daemon, text_with(f"m{number}.example:1") + domains)
            eventually(
                lambda server=f"m{number}.example:1": answers(daemon.http[0], server), "the reload"
            )
    assert load.failures == []
    answer = daemon.http[0].get(host="d499.example")
    assert json.loads(answer.body) == {"m.server": "m499.example:1"}


@pytest.mark.parametrize("kind", ("http", "https"))
def test_an_answer_that_is_being_sent_outlives_its_table(start, site, kind):
    """A client that reads slowly gets the document of before the reload, whole."""
    text = f"""
    listen = {{ "127.0.0.1:0" }}
    listen_http = {{ "127.0.0.1:0" }}
    {site.settings(start.directory)}
    domain "example.com" {{ server = "m.example:1" client = "https://m.example" client_extra = "EXTRA" }}
    """
    before, after = start.directory / "before.json", start.directory / "after.json"
    before.write_text('{"a": "' + "b" * 60000 + '"}')
    after.write_text('{"a": "' + "c" * 60000 + '"}')
    daemon = start.configured(text.replace("EXTRA", str(before)))
    slow = getattr(daemon, kind)[0].connect()
    documents = [daemon.http[0].get(CLIENT).body]
    for _ in range(20):  # more than all buffers on the way hold
        slow.send(request_bytes(CLIENT))
    slow.buffer += slow.stream.recv(1)  # the first answer has begun
    for letter in ("c", "d"):
        after.write_text(after.read_text().replace("c" * 60000, letter * 60000))
        daemon.configuration.write_text(text.replace("EXTRA", str(after)))
        seen = len(daemon.log)
        daemon.reload()
        daemon.wait_for_log("^ready", after=seen)
        documents.append(daemon.http[0].get(CLIENT).body)
    bodies = [slow.read_answer().body for _ in range(20)]
    assert bodies[0] == documents[0] and bodies[-1] == documents[-1]
    assert all(body in documents for body in bodies)
    slow.close()
