"""TLS: which certificate, which versions, which ciphers, resumption, and common clients."""

import contextlib
import os
import re
import ssl
import subprocess

import pytest
from harness.daemon import HTTPS, PLAIN, SERVER_OPTION
from harness.waiting import eventually, scaled
from harness.wire import SERVER, request_bytes, trusting, trusting_anyone

DOCUMENT = {"m.server": "matrix.example.com:8448"}
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
both_versions = pytest.mark.parametrize("version", (TLS_1_2, TLS_1_3), ids=lambda one: one.name)


@pytest.fixture(scope="module")
def pairs(authority):
    names = ("top.example", "own.example", "star.example")
    return {name: authority.issue(name, f"any.{name}") for name in names}


@pytest.fixture(scope="module")
def https(start_once, site):
    daemon = start_once(*SERVER_OPTION, *HTTPS, *site.options(start_once.directory))
    return daemon.https[0]


def only(version, authority):
    """A client that speaks this version of TLS only."""
    context = trusting(authority.file)
    context.minimum_version = context.maximum_version = version
    return context


def run_client(*command, environment=None, **details):
    """Runs a client program; returns what it printed."""
    details.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=scaled(30),
        env=environment,
        check=False,
        **details,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def start_with_domains(start, pairs, *names, top=None):
    """A daemon with these domains, each with its own certificate unless it is `plain.example`."""
    text = 'listen = { "127.0.0.1:0" }\n'
    if top:
        text += pairs[top].settings(start.directory, "top")
    for name in names:
        own = "" if name == "plain.example" else pairs[name.replace("*", "star.example")].settings(
            start.directory, name.replace("*", "star")
        )
        text += f'domain "{name}" {{\nserver = "m.example:1"\n{own}}}\n'
    return start.configured(text).https[0]


def test_sni_picks_the_domains_own_certificate_else_the_top_level_one(start, pairs):
    https = start_with_domains(start, pairs, "own.example", "plain.example", top="top.example")
    anyone = trusting_anyone()
    assert https.certificate("own.example", anyone) == pairs["own.example"].leaf
    assert https.certificate("OWN.example", anyone) == pairs["own.example"].leaf
    assert https.certificate("plain.example", anyone) == pairs["top.example"].leaf
    assert https.certificate("unknown.example", anyone) == pairs["top.example"].leaf
    assert https.certificate("xown.example", anyone) == pairs["top.example"].leaf


def test_without_sni_the_top_level_certificate_is_served(start, pairs):
    https = start_with_domains(start, pairs, "own.example", top="top.example")
    assert https.certificate(None, trusting_anyone()) == pairs["top.example"].leaf


def test_without_sni_and_top_level_the_first_domains_certificate_is_served(start, pairs):
    https = start_with_domains(start, pairs, "top.example", "own.example")
    assert https.certificate(None, trusting_anyone()) == pairs["top.example"].leaf


def test_the_certificate_of_the_domain_star_is_for_any_other_name(start, pairs):
    https = start_with_domains(start, pairs, "own.example", "*")
    assert https.certificate("own.example", trusting_anyone()) == pairs["own.example"].leaf
    assert https.certificate("else.example", trusting_anyone()) == pairs["star.example"].leaf


@both_versions
@pytest.mark.parametrize("name", ("plain.example", "unknown.example"))
def test_a_name_with_no_certificate_ends_in_an_alert(start, authority, pairs, name, version):
    https = start_with_domains(start, pairs, "own.example", "plain.example")
    with pytest.raises(ssl.SSLError) as refused:
        https.certificate(name, only(version, authority))
    assert "UNRECOGNIZED_NAME" in str(refused.value)
    assert https.certificate("own.example", trusting_anyone())


def test_the_chain_is_sent_whole(https):
    # The client knows only the root: it could not verify without the intermediate.
    assert https.get().json == DOCUMENT


@both_versions
def test_tls_1_2_and_1_3_are_spoken(https, authority, version):
    with https.connect(tls=only(version, authority)) as connection:
        assert connection.stream.version() == version.name.replace("_", ".")
        assert connection.request().json == DOCUMENT


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ("TLSv1", "TLSv1_1"))
def test_older_versions_are_refused(https, version):
    context = trusting_anyone()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with pytest.raises(ssl.SSLError):
        https.connect(tls=context)


@pytest.mark.parametrize("ciphers", ("aNULL:@SECLEVEL=0", "AES128-SHA"))
def test_weak_ciphers_are_refused(https, ciphers):
    context = trusting_anyone()
    context.set_ciphers(ciphers)
    context.maximum_version = TLS_1_2
    with pytest.raises(ssl.SSLError):
        https.connect(tls=context)


def test_the_cheaper_cipher_is_taken_where_the_client_has_both(https, authority):
    for version, cipher in (
        (TLS_1_3, "TLS_AES_128_GCM_SHA256"),
        (TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ):
        with https.connect(tls=only(version, authority)) as connection:
            assert connection.stream.cipher()[0] == cipher


def test_a_client_with_an_x25519_share_needs_no_second_clienthello(https, authority):
    for groups in ("X25519", "X25519:P-256", "P-256:X25519"):
        shown = run_client(
            *("openssl", "s_client", "-connect", f"127.0.0.1:{https.port}", "-tls1_3"),
            *("-servername", "example.com", "-groups", groups, "-msg"),
        )
        hellos = len(re.findall(r"^>>> .*ClientHello", shown, re.MULTILINE))
        if groups == "P-256:X25519":
            assert hellos <= 2
        else:
            assert hellos == 1, shown


@both_versions
def test_alpn_is_http_1_1(https, authority, version):
    context = only(version, authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with https.connect(tls=context) as connection:
        assert connection.stream.selected_alpn_protocol() == "http/1.1"
        assert connection.request().json == DOCUMENT


def test_a_client_that_only_speaks_http_2_is_not_told_that_it_may(https, authority):
    context = trusting(authority.file)
    context.set_alpn_protocols(["h2"])
    with contextlib.suppress(ssl.SSLError), https.connect(tls=context) as connection:
        assert connection.stream.selected_alpn_protocol() is None


@both_versions
def test_a_client_that_comes_back_resumes_its_session(https, authority, version):
    context = only(version, authority)
    with https.connect(tls=context) as first:
        assert first.request().status == 200
        session = first.stream.session
    assert session.has_ticket
    for _ in range(10):  # whichever thread takes the connection
        plain = https.open()
        with context.wrap_socket(plain, server_hostname="example.com", session=session) as back:
            assert back.session_reused
            back.sendall(request_bytes(headers=[("Connection", "close")]))
            assert back.recv(65536).startswith(b"HTTP/1.1 200")


@both_versions
def test_a_ticket_opens_no_name_without_a_certificate(start, pairs, authority, version):
    https = start_with_domains(start, pairs, "own.example")
    context = only(version, authority)
    with https.connect("own.example", tls=context) as first:
        assert first.request(host="own.example").status == 200
        session = first.stream.session
    with https.open() as plain, pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        context.wrap_socket(plain, server_hostname="other.example", session=session)


def test_a_ticket_that_was_tampered_with_costs_only_a_full_handshake(https, authority, tmp_path):
    ticket = tmp_path / "ticket.pem"
    common = ("openssl", "s_client", "-connect", f"127.0.0.1:{https.port}", "-tls1_2")
    run_client(*common, "-servername", "example.com", "-sess_out", ticket)
    lines = ticket.read_text().splitlines()
    lines[-5] = lines[-5].swapcase()  # the ticket is the last long thing in a session
    ticket.write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [*common, "-servername", "example.com", "-sess_in", ticket],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=scaled(30),
    )
    assert "Reused" not in done.stdout
    assert https.serves()


def test_the_connection_ends_with_a_close_notify(https, tls):
    with tls.wrap_socket(
        https.open(), server_hostname="example.com", suppress_ragged_eofs=False
    ) as stream:
        stream.sendall(request_bytes(headers=[("Connection", "close")]))
        while stream.recv(65536):
            pass


def test_the_host_decides_what_is_answered_whatever_the_sni(start, pairs):
    https = start_with_domains(start, pairs, "own.example", top="top.example")
    with https.connect("own.example", trusting_anyone()) as connection:
        assert connection.request(host="own.example").status == 200
        assert connection.request(host="top.example").status == 404


def test_renegotiation_is_refused_or_ignored(https):
    # "R" asks openssl to renegotiate.
    subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{https.port}", "-tls1_2"],
        input="R\n" * 20, capture_output=True, text=True, check=False, timeout=scaled(30),
    )
    assert https.serves()


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_curl_gets_the_document(https, authority, version):
    got = run_client(
        *("curl", "--silent", "--show-error", "--fail", "--cacert", authority.file),
        *("--resolve", f"example.com:{https.port}:127.0.0.1", f"--tlsv{version}"),
        *("--tls-max", version, f"https://example.com:{https.port}{SERVER}"),
    )
    assert got == '{"m.server":"matrix.example.com:8448"}'


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_gnutls_cli_gets_the_document(https, authority, version):
    reader, writer = os.pipe()  # open to the end: at the end of its input the client hangs up
    os.write(writer, request_bytes(headers=[("Connection", "close")]))
    try:
        got = run_client(
            *("gnutls-cli", "--x509cafile", authority.file, "--sni-hostname", "example.com"),
            *("--verify-hostname", "example.com", "--port", https.port),
            *("--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "127.0.0.1"),
            stdin=reader,
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert f"(TLS{version}-" in got
    assert '{"m.server":"matrix.example.com:8448"}' in got


@pytest.mark.parametrize("version", ("1.2", "1.3"))
def test_nodes_fetch_gets_the_document(https, authority, version):
    script = (
        f"fetch('https://localhost:{https.port}{SERVER}').then(a => a.json())"
        ".then(document => console.log(document['m.server']))"
    )
    got = run_client(
        *("node", f"--tls-min-v{version}", f"--tls-max-v{version}", "-e", script),
        environment={"NODE_EXTRA_CA_CERTS": str(authority.file), "PATH": "/usr/bin:/bin"},
    )
    assert got == "matrix.example.com:8448\n"


def test_a_self_signed_certificate_is_for_trying_out(start):
    for names, sni in (((), "localhost"), (("--domain", "example.com"), "example.com")):
        daemon = start(*SERVER_OPTION, *HTTPS, *names, "--self-signed")
        assert daemon.https[0].get(tls=trusting_anyone(), server_name=sni).json == DOCUMENT
        warning = daemon.wait_for_log("federation|homeservers")
        assert "matrix-wellknownd: " in warning
        shown = run_client(
            *("openssl", "s_client", "-connect", f"127.0.0.1:{daemon.https[0].port}"),
            *("-servername", sni, "-verify_hostname", sni),
        )
        assert "self-signed" in shown and "hostname mismatch" not in shown.lower()


def test_a_self_signed_certificate_is_another_each_time(start):
    line = (*SERVER_OPTION, *HTTPS, "--self-signed")
    anyone = trusting_anyone()
    one, two = (start(*line).https[0].certificate(tls=anyone) for _ in range(2))
    assert one != two


def test_https_and_plain_can_run_together(start, site, tmp_path):
    daemon = start(*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    assert daemon.https[0].get().json == daemon.http[0].get().json == DOCUMENT
    assert eventually(daemon.https[0].serves, "HTTPS to be served")
