"""Metrics, as Prometheus reads them."""

import calendar
import contextlib
import itertools
import re

import pytest
from harness.daemon import HTTPS, PLAIN, SERVER_OPTION, run
from harness.faults import faults, needs_own_allocator
from harness.waiting import eventually
from harness.wire import CLIENT, ConnectionClosed

PREFIX = "matrix_wellknownd_"
SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (?P<value>\S+)'
)
METRICS = ("--metrics-listen", "127.0.0.1:0")


def read(daemon):
    """{(name, frozenset of labels): value}, without the common prefix; checks the format."""
    samples, typed = {}, set()
    for line in daemon.metrics[0].get("/metrics").body.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed and kind in ("counter", "gauge")
            typed.add(name)
        elif not line.startswith("#"):
            found = SAMPLE.fullmatch(line)
            assert found and found["name"] in typed, line
            assert found["name"].startswith(PREFIX)
            labels = frozenset(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', found["labels"] or ""))
            key = found["name"].removeprefix(PREFIX), labels
            assert key not in samples, line
            samples[key] = float(found["value"])
    return samples


def total(samples, name, **labels):
    """The sum of a metric over every sample that has these labels."""
    wanted = {(key, str(value)) for key, value in labels.items()}
    return sum(value for (n, own), value in samples.items() if n == name and wanted <= own)


@pytest.fixture
def daemon(start, site, tmp_path):
    return start(
        *SERVER_OPTION, *HTTPS, *PLAIN, *METRICS, *site.options(tmp_path),
        *("--domain", "example.com"),
    )


def test_the_answer_is_in_prometheus_text_format(daemon):
    answer = daemon.metrics[0].get("/metrics")
    assert answer.status == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.body.endswith(b"\n")
    samples = read(daemon)
    for name in (
        *("requests_total", "connections", "handshakes_total", "refused_total"),
        *("reloads_total", "build_info"),
        "certificate_expiry_timestamp_seconds",
    ):
        assert f"# TYPE {PREFIX}{name} ".encode() in answer.body
        assert f"# HELP {PREFIX}{name} ".encode() in answer.body
    version = run("--version").stdout.split()[1]
    assert total(samples, "build_info", version=version) == 1


def test_requests_are_counted_by_document_and_status(daemon):
    before = read(daemon)
    for endpoint in (daemon.https[0], daemon.http[0]):
        etag = endpoint.get()["ETag"]
        endpoint.get(headers=[("If-None-Match", etag)])
        endpoint.get(CLIENT)
        endpoint.get("/other")
        endpoint.get(method="POST")
    after = read(daemon)

    def grown(**labels):
        return total(after, "requests_total", **labels) - total(before, "requests_total", **labels)

    assert grown() == 10
    assert grown(document="server", status=200) == 2
    assert grown(document="server", status=304) == 2
    assert grown(document="server", status=405) == 2
    assert grown(document="client", status=404) == 2
    assert grown(status=404) == 4


def test_what_clients_invent_makes_no_new_samples(daemon):
    for number in range(50):
        daemon.http[0].get(f"/path-{number}", host=f"host-{number}.example")
        daemon.http[0].get(method=f"METHOD{number}")
        daemon.http[0].get(f"/.well-known/matrix/new-{number}")
    samples = read(daemon)
    assert len(samples) < 100
    assert total(samples, "requests_total") >= 150


def test_connections_are_a_gauge(daemon):
    before = total(read(daemon), "connections")
    connections = [daemon.http[0].connect() for _ in range(5)]
    connections += [daemon.https[0].connect() for _ in range(5)]
    for connection in connections:
        connection.request()
    assert total(read(daemon), "connections") - before == 10
    for connection in connections:
        connection.close()
    eventually(lambda: total(read(daemon), "connections") <= before, "the gauge to go down")


def test_handshakes_are_counted_by_their_result(daemon):
    def results():
        return {
            dict(labels)["result"]: value
            for (name, labels), value in read(daemon).items()
            if name == "handshakes_total"
        }

    before = results()
    for _ in range(3):
        daemon.https[0].get()
    grown = {key: value - before.get(key, 0) for key, value in results().items()}
    assert sum(grown.values()) == 3
    (good,) = [key for key, value in grown.items() if value == 3]
    with daemon.https[0].open() as broken, contextlib.suppress(ConnectionError):
        broken.sendall(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\xff")
        broken.recv(4096)

    def failed():
        now = results()
        return sum(now.values()) - now[good] > sum(before.values()) - before.get(good, 0)

    eventually(failed, "the failed handshake to be counted")


def test_the_expiry_is_that_of_the_certificate_in_use(daemon, authority, site, tmp_path):
    def expiry():
        return total(
            read(daemon), "certificate_expiry_timestamp_seconds", domain="example.com"
        )

    assert expiry() == calendar.timegm(site.not_after.timetuple())
    renewed = authority.issue("example.com")
    renewed.write(tmp_path)
    expected = calendar.timegm(renewed.not_after.timetuple())
    eventually(lambda: expiry() == expected, "the expiry of the renewed certificate")


def test_the_expiry_is_there_for_each_domain(start, authority):
    directory = start.directory
    text = 'listen = { "127.0.0.1:0" }\nmetrics_listen = { "127.0.0.1:0" }\n'
    for name in ("a", "b"):
        settings = authority.issue(f"{name}.example").settings(directory, name)
        text += f'domain "{name}.example" {{ server = "m:1"\n{settings}}}\n'
    samples = read(start.configured(text))
    for name in ("a.example", "b.example"):
        assert total(samples, "certificate_expiry_timestamp_seconds", domain=name) > 0


def test_reloads_are_counted_by_their_result(start):
    daemon = start.configured(
        """
        listen_http = { "127.0.0.1:0" }
        metrics_listen = { "127.0.0.1:0" }
        domain "example.com" { server = "m:1" }
        """
    )

    def reloads():
        return {
            labels: value for (name, labels), value in read(daemon).items()
            if name == "reloads_total"
        }

    def grown_since(before):
        return {key: value for key, value in reloads().items() if value > before.get(key, 0)}

    before = reloads()
    daemon.reload()
    (good,) = eventually(lambda: grown_since(before), "the reload to be counted")
    before = reloads()
    daemon.configuration.write_text("nonsense = {")
    daemon.reload()
    (bad,) = eventually(lambda: grown_since(before), "the failed reload to be counted")
    assert good != bad


def test_metrics_and_documents_stay_apart(daemon):
    for endpoint in (daemon.https[0], daemon.http[0]):
        assert endpoint.get("/metrics").status == 404
    assert daemon.metrics[0].get().status == 404
    assert daemon.metrics[0].get("/").status == 404


def test_metrics_are_only_read(daemon):
    head = daemon.metrics[0].get("/metrics", method="HEAD")
    assert head.status == 200
    refused = daemon.metrics[0].get("/metrics", method="POST")
    assert refused.status == 405 and "GET" in refused["Allow"]


def test_metrics_ask_for_no_particular_host(daemon):
    assert daemon.metrics[0].get("/metrics?x=1", host="prometheus.internal:9090").status == 200


def test_metrics_can_be_scraped_many_times_on_one_connection(daemon):
    with daemon.metrics[0].connect() as connection:
        for _ in range(50):
            assert connection.request("/metrics").status == 200


def test_connections_that_a_limit_ends_are_counted_by_reason(start, site):
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        metrics_listen = "127.0.0.1:0"
        max_connections = 6
        max_connections_per_ip = 2
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """
    )
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(daemon.https[0].connect())
        for _ in range(3):
            with pytest.raises(OSError):
                daemon.https[0].connect()
        for _ in range(8):
            stack.enter_context(daemon.http[0].connect()).request()
        samples = read(daemon)
    assert total(samples, "refused_total", reason="address_limit") == 3
    assert total(samples, "refused_total", reason="evicted") >= 4


@needs_own_allocator
def test_each_allocation_of_the_metrics_may_fail(start, site, tmp_path):
    """One after another, once each: the text is whole, or not given."""
    # Each has a line, so that the text has to grow several times.
    domains = [f'domain "d{n}.example" {{ server = "m.example:1" }}\n' for n in range(200)]
    text = (
        'listen = { "127.0.0.1:0" }\nmetrics_listen = { "127.0.0.1:0" }\nthreads = 1\n'
        + site.settings(tmp_path)
        + "".join(domains)
    )
    with faults("allocation", tmp_path) as (preload, countdown):
        daemon = start.configured(text, environment={**preload, "ALLOCATION_WORKERS": "1"})
        whole = read(daemon)
        for number in itertools.count(1):
            countdown.set(number)
            with contextlib.suppress(OSError, ConnectionClosed):
                assert read(daemon).keys() == whole.keys(), f"cut by allocation {number}"
            left = countdown.get()
            countdown.set(0)
            if left > 0:
                break  # there are fewer allocations than that
    assert number > 5
    assert read(daemon).keys() == whole.keys()
