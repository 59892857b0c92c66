"""tls-alpn-01 (RFC 8737): challenge certificates for the handshakes of ACME servers."""

import os
import re
import ssl

import pytest
from harness.challenges import (
    PROTOCOL,
    asking,
    challenge_pair,
    refusal,
    write_challenge,
)
from harness.daemon import HTTPS, SERVER_OPTION
from harness.wire import request_bytes, trusting_anyone

UNRECOGNIZED_NAME = 112
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
both_versions = pytest.mark.parametrize(
    "version", (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), ids=lambda one: one.name
)


@pytest.fixture
def challenges(tmp_path):
    directory = tmp_path / "challenges"
    directory.mkdir()
    return directory


@pytest.fixture
def daemon(start, site, tmp_path, challenges):
    """Its deadlines are so late that no connection of a test ends by one."""
    return start.configured(
        'listen = { "127.0.0.1:0" }\nmetrics_listen = { "127.0.0.1:0" }\n'
        'server = "matrix.example.com:8448"\nrequest_timeout = 3600\n'
        f'acme_alpn_dir = "{challenges}"\n{site.settings(tmp_path)}'
    )


@both_versions
def test_an_acme_server_gets_the_challenge_and_everybody_else_the_certificate(
    daemon, challenges, site, version
):
    expected = ssl.PEM_cert_to_DER_cert(write_challenge(challenges, "example.com").decode())
    https = daemon.https[0]
    with https.connect("example.com", asking(version)) as connection:
        assert connection.stream.selected_alpn_protocol() == PROTOCOL
        assert connection.stream.getpeercert(binary_form=True) == expected
    assert https.certificate(tls=trusting_anyone()) == site.leaf
    assert https.get().status == 200


@both_versions
def test_the_connection_ends_with_the_handshake(daemon, challenges, version):
    write_challenge(challenges, "example.com")
    with asking(version).wrap_socket(
        daemon.https[0].open(), server_hostname="example.com", suppress_ragged_eofs=False
    ) as stream:
        assert stream.recv(1) == b"", "the end was not told with close_notify"


@both_versions
def test_a_request_on_such_a_connection_is_not_answered(daemon, challenges, version):
    write_challenge(challenges, "example.com")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking(version).wrap_bio(incoming, outgoing, server_hostname="example.com")
    with daemon.https[0].open() as plain:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        client.write(request_bytes())
        plain.sendall(outgoing.read())  # with TLS 1.3, in one piece with the handshake's end
        try:
            while data := plain.recv(65536):
                incoming.write(data)
        except ConnectionError:
            pass
    incoming.write_eof()
    try:
        assert client.read() == b""
    except ssl.SSLError:
        pass  # the end of the connection came before what would say so
    metrics = daemon.metrics[0].get("/metrics").body.decode()
    assert 'requests_total{document="server",status="200"} 0' in metrics


def test_a_challenge_counts_as_one(daemon, challenges):
    write_challenge(challenges, "example.com")
    with daemon.https[0].connect("example.com", asking()) as connection:
        connection.read_to_end()
    metrics = daemon.metrics[0].get("/metrics").body.decode()
    assert 'handshakes_total{result="acme_challenge"} 1' in metrics
    assert 'handshakes_total{result="ok"} 0' in metrics


@pytest.mark.parametrize("name", ("EXAMPLE.com", "example.com.", "eXample.COM."))
def test_a_challenge_is_found_whatever_the_case_and_with_a_trailing_dot(daemon, challenges, name):
    write_challenge(challenges, "example.com")
    assert refusal(daemon.https[0], name.encode()) is None


@pytest.mark.parametrize(
    "name",
    (
        b"../example.com",
        b"sub/example.com",
        b"../challenges/example.com",
        b".example.com",
        b"example..com",
        b"example.com..",
        b"example.com\0",
        b"example.com/",
        b"example_com",
        b"%2e%2e%2fexample.com",
        b"\xc3\xa9.example",
        b".",
        b"..",
        b"a" * 300,
        b"a" * 253,
        b"a" * 254,
        b"a" * 255,
        None,
    ),
    ids=lambda name: repr(name)[:24],
)
def test_a_name_that_is_no_host_name_is_refused(daemon, challenges, name):
    (challenges / "sub").mkdir()
    for directory in (challenges, challenges.parent, challenges / "sub"):
        write_challenge(directory, "example.com")
    for odd in (".example.com", "example..com", "example.com.", "example_com", "."):
        write_challenge(challenges, odd, challenge_pair("example.com"))
    assert refusal(daemon.https[0], name) is not None
    assert refusal(daemon.https[0], b"example.com") is None
    assert "matrix-wellknownd: " not in daemon.log


def test_without_a_challenge_for_the_name_it_is_refused(daemon, challenges):
    write_challenge(challenges, "example.org")
    assert refusal(daemon.https[0], b"example.com") == UNRECOGNIZED_NAME
    assert "matrix-wellknownd: " not in daemon.log


def test_without_a_directory_of_challenges_the_protocol_is_refused(start, site, tmp_path):
    daemon = start(*SERVER_OPTION, *HTTPS, *site.options(tmp_path))
    with pytest.raises(ssl.SSLError):
        daemon.https[0].connect("example.com", asking())
    assert daemon.https[0].get().status == 200


def bad_pairs():
    good = challenge_pair("example.com")
    return {
        "without the extension": challenge_pair("example.com", identifier=None),
        "with one that is not critical": challenge_pair("example.com", critical=False),
        "with half a digest": challenge_pair("example.com", identifier=b"\x04\x10" + 16 * b"x"),
        "with no OCTET STRING": challenge_pair("example.com", identifier=32 * b"x" + b"yz"),
        "with an empty extension": challenge_pair("example.com", identifier=b""),
        "for another name": challenge_pair("example.org"),
        "for a wildcard": challenge_pair("*.example.com"),
        "for two names": challenge_pair("example.com", "example.org"),
        "with another key": (good[0], challenge_pair("example.com")[1]),
        "with no certificate in it": (b"garbage\n", good[1]),
        "empty": (b"", good[1]),
        "of a megabyte": (good[0] + b"\n" * 1_000_000, good[1]),
        "without a key": (good[0], b""),
    }


@pytest.mark.parametrize("which", bad_pairs())
def test_a_challenge_that_no_ca_would_take_is_refused_and_told_once(daemon, challenges, which):
    write_challenge(challenges, "example.com", bad_pairs()[which])
    for _ in range(20):
        assert refusal(daemon.https[0], b"example.com") == UNRECOGNIZED_NAME
    assert re.search(rf"matrix-wellknownd: {challenges}/example\.com\.\w+\.pem: .+", daemon.log)
    assert daemon.log.count("matrix-wellknownd: ") == 1
    # What was wrong is put right.
    write_challenge(challenges, "example.com")
    assert refusal(daemon.https[0], b"example.com") is None


@pytest.mark.parametrize("which", ("crt", "key"))
@pytest.mark.parametrize("kind", ("link", "fifo", "directory"))
def test_a_challenge_that_is_no_regular_file_is_refused(daemon, challenges, kind, which):
    write_challenge(challenges, "example.com")
    file = challenges / f"example.com.{which}.pem"
    file.rename(challenges.parent / "elsewhere.pem")
    if kind == "link":
        file.symlink_to(challenges.parent / "elsewhere.pem")
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        file.mkdir()
    assert refusal(daemon.https[0], b"example.com") == UNRECOGNIZED_NAME
    assert str(file) in daemon.wait_for_log("matrix-wellknownd: ")
    assert daemon.https[0].get().status == 200


def test_a_client_that_offers_both_protocols_gets_the_one_that_it_wants_most(
    daemon, challenges, site
):
    write_challenge(challenges, "example.com")
    both = trusting_anyone()
    both.set_alpn_protocols(["http/1.1", PROTOCOL])
    assert daemon.https[0].certificate(tls=both) == site.leaf


def test_a_reload_takes_the_directory_of_challenges_on_and_gives_it_up(start, site, challenges):
    site.write(start.directory)
    write_challenge(challenges, "example.com")
    without = (
        'listen = { "127.0.0.1:0" }\nserver = "m.example:1"\n'
        + site.settings(start.directory)
    )
    with_challenges = without + f'acme_alpn_dir = "{challenges}"\n'
    daemon = start.configured(without)
    https = daemon.https[0]
    for text, expected in ((with_challenges, None), (without, "closed")) * 2:
        before = len(daemon.log)
        daemon.configuration.write_text(text)
        daemon.reload()
        daemon.wait_for_log("ready", before)
        assert refusal(https, b"example.com") == expected


def test_challenges_may_lie_where_nothing_else_is_read(start, site, tmp_path, challenges):
    folder = tmp_path / "certificates" / "example.com"
    folder.mkdir(parents=True)
    line = (*SERVER_OPTION, *HTTPS, *site.options(folder), "--acme-alpn-dir", challenges)
    daemon = start(*line)
    write_challenge(challenges, "example.com")
    assert refusal(daemon.https[0], b"example.com") is None


@needs_root
def test_a_daemon_that_has_become_another_user_reads_challenges_of_root(
    start, site, tmp_path, challenges
):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    daemon = start(
        *SERVER_OPTION, *HTTPS, *site.options(tmp_path), "--acme-alpn-dir", challenges,
        "--user", "nobody",
    )
    challenges.chmod(0o700)
    write_challenge(challenges, "example.com")
    for file in challenges.iterdir():
        file.chmod(0o600)
    assert refusal(daemon.https[0], b"example.com") is None


def test_a_directory_of_challenges_that_is_not_there_is_told(start, site, tmp_path):
    nowhere = tmp_path / "nowhere"
    daemon = start(
        *SERVER_OPTION, *HTTPS, *site.options(tmp_path), "--acme-alpn-dir", nowhere
    )
    assert str(nowhere) in daemon.wait_for_log("warning: .*challenges are refused")
    assert refusal(daemon.https[0], b"example.com") == UNRECOGNIZED_NAME
    assert not nowhere.exists()
    nowhere.mkdir()
    write_challenge(nowhere, "example.com")
    assert refusal(daemon.https[0], b"example.com") is None
