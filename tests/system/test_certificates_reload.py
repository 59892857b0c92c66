"""Certificates that change while the daemon runs, in each way that files change."""

import dataclasses
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization
from harness.certificates import (
    DAY,
    WAYS_THAT_FILES_CHANGE,
    Authority,
    RenamedOver,
    members_of,
    now,
)
from harness.daemon import SERVER_OPTION
from harness.load import Load
from harness.waiting import eventually, scaled
from harness.wire import trusting_anyone

REPLACEMENTS = 50


@pytest.fixture(params=WAYS_THAT_FILES_CHANGE, ids=lambda way: way.__name__)
def files(request, tmp_path, site):
    """The pair that is served at first, in files that change in one of the four ways."""
    return request.param(tmp_path, site)


def start_with(start, files, listeners=1):
    line = (*SERVER_OPTION, *("--listen", "127.0.0.1:0") * listeners)
    return start(*line, "--certificate", files.certificate, "--key", files.key)


def wait_until_served(endpoint, pair, **details):
    """A changed pair must be in use for new handshakes within 2 seconds."""
    eventually(
        lambda: endpoint.certificate(tls=trusting_anyone(), **details) == pair.leaf,
        "the new certificate to be served",
        timeout=2,
    )


def test_50_replacements_under_load_fail_no_request(start, authority, files):
    daemon = start_with(start, files)
    pairs = [authority.issue("example.com") for _ in range(5)]
    descriptors = daemon.descriptor_count()
    with Load(daemon.https[0]) as load:
        for number in range(REPLACEMENTS):
            files.replace(pairs[number % len(pairs)])
            wait_until_served(daemon.https[0], pairs[number % len(pairs)])
    assert load.failures == []
    assert load.served > REPLACEMENTS
    eventually(
        lambda: daemon.descriptor_count() <= descriptors + 2, "no descriptor to be left behind"
    )


@pytest.mark.quiet
def test_every_listener_serves_the_new_pair(start, authority, files):
    daemon = start_with(start, files, listeners=2)
    for _ in range(3):
        pair = authority.issue("example.com")
        files.replace(pair)
        for endpoint in daemon.https:
            wait_until_served(endpoint, pair)


def test_a_key_that_comes_3_seconds_after_its_certificate(start, authority, tmp_path, site):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    renewed = authority.issue("example.com")
    files.certificate.write_bytes(renewed.chain)
    error = daemon.wait_for_log(r"matrix-wellknownd: .*site\.pem")
    assert f"{site.not_after:%Y-%m-%d}" in error, "until when the old one is good"
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert daemon.https[0].certificate() == site.leaf
        time.sleep(0.1)
    files.key.write_bytes(renewed.key)
    wait_until_served(daemon.https[0], renewed)


BROKEN_RENEWALS = (
    "empty",
    "garbage",
    "a certificate cut short",
    "a key cut short",
    "a pair that does not match",
    "an expired certificate",
)


def broken_renewal(name, authority):
    """What is written into the two files."""
    other = authority.issue("example.com")
    expired = authority.issue("example.com", not_before=now() - 9 * DAY, not_after=now() - DAY)
    good = authority.issue("example.com")
    contents = {
        "empty": (b"", b""),
        "garbage": (b"garbage", b"garbage"),
        "a certificate cut short": (good.chain[:300], good.key),
        "a key cut short": (good.chain, good.key[:100]),
        "a pair that does not match": (good.chain, other.key),
        "an expired certificate": (expired.chain, expired.key),
    }
    return contents[name]


@pytest.mark.parametrize("name", BROKEN_RENEWALS)
def test_a_broken_renewal_keeps_the_old_pair_and_is_logged(
    start, authority, tmp_path, site, name
):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    chain, key = broken_renewal(name, authority)
    for file, content in ((files.certificate, chain), (files.key, key)):
        beside = file.with_suffix(".new")
        beside.write_bytes(content)
        beside.rename(file)
    error = daemon.wait_for_log(r"matrix-wellknownd: .*site\.(pem|key)")
    assert f"{site.not_after:%Y-%m-%d}" in error
    assert daemon.https[0].certificate() == site.leaf
    healed = authority.issue("example.com")
    files.replace(healed)
    wait_until_served(daemon.https[0], healed)


def test_files_that_vanish_leave_the_old_pair_in_use_until_they_are_back(
    start, authority, tmp_path, site
):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    files.certificate.unlink()
    files.key.unlink()
    daemon.wait_for_log(r"matrix-wellknownd: .*site\.(pem|key)")
    assert daemon.https[0].certificate() == site.leaf
    back = authority.issue("example.com")
    files.replace(back)
    wait_until_served(daemon.https[0], back)


def test_a_directory_that_is_moved_away_and_made_anew_is_watched_again(
    start, authority, tmp_path, site
):
    (tmp_path / "pair").mkdir()
    files = RenamedOver(tmp_path / "pair", site)
    daemon = start_with(start, files)
    for number in range(3):
        (tmp_path / "pair").rename(tmp_path / f"old-{number}")
        (tmp_path / "pair").mkdir()
        pair = authority.issue("example.com")
        RenamedOver(tmp_path / "pair", pair)
        wait_until_served(daemon.https[0], pair)


def test_an_expired_certificate_heals_by_its_renewal(start, authority, tmp_path):
    expired = authority.issue("example.com", not_before=now() - 9 * DAY, not_after=now() - DAY)
    files = RenamedOver(tmp_path, expired)
    daemon = start_with(start, files)
    renewed = authority.issue("example.com")
    files.replace(renewed)
    wait_until_served(daemon.https[0], renewed)


def test_a_domain_without_usable_certificate_heals_when_it_gets_one(start, authority, site):
    directory = start.directory
    (directory / "late").mkdir()
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        domain "example.com" {{ server = "m:1"
            {site.settings(directory)} }}
        domain "late.example" {{ server = "m:2"
            certificate = "{directory}/late/site.pem"
            key = "{directory}/late/site.key" }}
        """
    )
    late = authority.issue("late.example")
    RenamedOver(directory / "late", late)

    def served():
        try:
            return daemon.https[0].certificate("late.example") == late.leaf
        except OSError:
            return False

    eventually(served, "the certificate that came late", timeout=2)


def test_one_renewal_serves_every_domain_that_shares_the_files(start, authority, tmp_path):
    files = RenamedOver(tmp_path, authority.issue("a.example", "b.example"))
    lines = f'certificate = "{files.certificate}"\nkey = "{files.key}"\n'
    daemon = start.configured(
        'listen = { "127.0.0.1:0" }\n'
        f'domain "a.example" {{ server = "m:1"\n{lines}}}\n'
        f'domain "b.example" {{ server = "m:2"\n{lines}}}\n'
    )
    renewed = authority.issue("a.example", "b.example")
    files.replace(renewed)
    for name in ("a.example", "b.example"):
        wait_until_served(daemon.https[0], renewed, server_name=name)


def test_a_renewal_of_one_domain_leaves_the_others_alone(start, authority, site):
    directory = start.directory
    (directory / "one").mkdir()
    (directory / "two").mkdir()
    pairs = {name: authority.issue(f"{name}.example") for name in ("one", "two")}
    text = 'listen = { "127.0.0.1:0" }\n'
    for name, pair in pairs.items():
        settings = pair.settings(directory / name)
        text += f'domain "{name}.example" {{ server = "m:1"\n{settings}}}\n'
    daemon = start.configured(text)
    renewed = authority.issue("one.example")
    RenamedOver(directory / "one", pairs["one"]).replace(renewed)
    wait_until_served(daemon.https[0], renewed, server_name="one.example")
    anyone = trusting_anyone()
    assert daemon.https[0].certificate("two.example", anyone) == pairs["two"].leaf


def test_a_connection_that_is_open_outlives_the_change(start, authority, tmp_path, site):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    with daemon.https[0].connect() as connection:
        assert connection.request().status == 200
        renewed = authority.issue("example.com")
        files.replace(renewed)
        wait_until_served(daemon.https[0], renewed)
        assert connection.request().status == 200


def test_a_client_with_an_old_ticket_is_served_after_the_change(
    start, authority, tls, tmp_path, site
):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    with daemon.https[0].connect() as connection:
        connection.request()
        session = connection.stream.session
    renewed = authority.issue("example.com")
    files.replace(renewed)
    wait_until_served(daemon.https[0], renewed)
    plain = daemon.https[0].open()
    with tls.wrap_socket(plain, server_hostname="example.com", session=session) as back:
        back.sendall(b"GET /.well-known/matrix/server HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert back.recv(65536).startswith(b"HTTP/1.1 200")


def test_other_files_in_the_directory_change_nothing(start, tmp_path, site):
    (tmp_path / "own").mkdir()
    files = RenamedOver(tmp_path / "own", site)
    daemon = start_with(start, files)
    before = len(daemon.log)
    for number in range(200):
        (tmp_path / "own" / f"other-{number}").write_bytes(b"x" * 1000)
        (tmp_path / "own" / f"other-{number}").unlink()
    assert daemon.https[0].certificate() == site.leaf
    assert "matrix-wellknownd: " not in daemon.log[before:]


def test_a_renewed_leaf_before_another_intermediate_keeps_the_old_pair(
    start, authority, tmp_path, site
):
    """As when a client writes the new leaf before the chain that it has kept."""
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    other = Authority(tmp_path).issue("example.com")
    renewed = authority.issue("example.com")
    files.replace(
        dataclasses.replace(renewed, chain=members_of(renewed)[0] + members_of(other)[1])
    )
    error = daemon.wait_for_log(r"matrix-wellknownd: .*site\.pem")
    assert '"CN=Test Intermediate" from "CN=Test Root"' in error, "the one that does not fit"
    assert f"{site.not_after:%Y-%m-%d}" in error
    assert daemon.https[0].certificate() == site.leaf
    files.replace(renewed)
    wait_until_served(daemon.https[0], renewed)


def test_a_superfluous_root_that_has_expired_is_left_alone(start, authority, tmp_path, site):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    renewed = authority.issue("example.com", "localhost")
    root = Authority.expired_root().public_bytes(serialization.Encoding.PEM)
    files.replace(dataclasses.replace(renewed, chain=renewed.chain + root))
    wait_until_served(daemon.https[0], renewed)
    assert "matrix-wellknownd: " not in daemon.log
    assert served_chain(daemon.https[0]).count(b"BEGIN") == 2


@pytest.mark.parametrize("order", ((0, 2, 1), (0, 1, 1, 2)), ids=("unordered", "twice"))
def test_a_chain_out_of_order_is_put_in_order(start, authority, tmp_path, site, order):
    files = RenamedOver(tmp_path, site)
    daemon = start_with(start, files)
    renewed = authority.issue_deep("example.com", 3)
    chain = b"".join(members_of(renewed)[number] for number in order)
    files.replace(dataclasses.replace(renewed, chain=chain))
    wait_until_served(daemon.https[0], renewed)
    assert served_chain(daemon.https[0]).count(b"BEGIN") == 3
    assert daemon.https[0].certificate() == renewed.leaf, "a client that trusts the root does"


def served_chain(endpoint):
    """What is sent, as PEM without line ends, by OpenSSL's client."""
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{endpoint.port}", "-showcerts"]
        + ["-servername", "example.com"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=scaled(20), check=False,
    )
    return shown.stdout
