"""Before the first certificate: the daemon starts, and takes it up when a client has written it."""

import os
import re
import shutil
import ssl
import tempfile
from pathlib import Path

import pytest
from harness import kernel
from harness.certificates import WAYS_THAT_FILES_CHANGE, Certbot
from harness.challenges import refusal, write_challenge
from harness.daemon import HTTPS, PLAIN, SERVER_OPTION, free_port, is_sanitized, run
from harness.waiting import eventually
from harness.wire import trusting_anyone

UNRECOGNIZED_NAME = 112


@pytest.fixture
def challenges(tmp_path):
    directory = tmp_path / "challenges"
    directory.mkdir()
    return directory


@pytest.fixture(params=("--acme-alpn-dir", "--acme-webroot"))
def acme(request, challenges):
    """The options that let the daemon wait for its certificate."""
    return request.param, challenges


def pair_options(directory, certificate="site.pem", key="site.key"):
    return "--certificate", directory / certificate, "--key", directory / key


def is_refused(endpoint):
    with pytest.raises(ssl.SSLError) as refused:
        endpoint.certificate(tls=trusting_anyone())
    return "UNRECOGNIZED_NAME" in str(refused.value)


def wait_until_served(endpoint, pair, **details):
    eventually(
        lambda: endpoint.serves()
        and endpoint.certificate(tls=trusting_anyone(), **details) == pair.leaf,
        "the certificate to be served",
        timeout=2,
    )


def test_it_starts_without_a_certificate_and_serves_the_first_one(start, site, tmp_path, acme):
    daemon = start(*SERVER_OPTION, *HTTPS, *PLAIN, *pair_options(tmp_path), *acme)
    warning = daemon.wait_for_log("warning: ")
    assert "HTTPS is refused" in warning and "ACME client" in warning
    assert is_refused(daemon.https[0])
    assert daemon.http[0].get().status == 200
    site.write(tmp_path)
    wait_until_served(daemon.https[0], site)


def test_without_acme_it_does_not_start(tmp_path):
    refused = run(*SERVER_OPTION, *HTTPS, *pair_options(tmp_path))
    assert refused.returncode == 1 and "site.pem" in refused.stderr


def test_acme_alone_is_no_place_for_a_certificate(acme):
    refused = run(*SERVER_OPTION, *HTTPS, *acme)
    assert refused.returncode == 1 and "--certificate" in refused.stderr


@pytest.mark.parametrize("way", WAYS_THAT_FILES_CHANGE, ids=lambda way: way.__name__)
def test_the_directories_of_the_certificate_need_not_exist(start, site, tmp_path, acme, way):
    apart = tmp_path / "apart"
    apart.mkdir()
    files = way(apart, site)  # only to know its paths
    missing = tmp_path / "etc" / "letsencrypt"
    options = pair_options(
        missing, files.certificate.relative_to(apart), files.key.relative_to(apart)
    )
    daemon = start(*SERVER_OPTION, *HTTPS, *options, *acme)
    assert is_refused(daemon.https[0])
    missing.mkdir(parents=True)
    way(missing, site)
    wait_until_served(daemon.https[0], site)


def test_one_directory_is_made_after_another(start, site, tmp_path, acme):
    folder = tmp_path / "a" / "b" / "c"
    daemon = start(*SERVER_OPTION, *HTTPS, *pair_options(folder), *acme)
    for part in (folder.parents[1], folder.parent, folder):
        part.mkdir()
        assert is_refused(daemon.https[0])
    site.write(folder)
    wait_until_served(daemon.https[0], site)


def test_the_first_certificate_is_renewed_as_any_other(start, site, authority, tmp_path, acme):
    live = tmp_path / "live" / "example.com"
    options = pair_options(live, "fullchain.pem", "privkey.pem")
    daemon = start(*SERVER_OPTION, *HTTPS, *options, *acme)
    files = Certbot(tmp_path, site)
    wait_until_served(daemon.https[0], site)
    renewed = authority.issue("example.com")
    files.replace(renewed)
    wait_until_served(daemon.https[0], renewed)


def test_a_first_certificate_without_its_key_is_not_taken(start, site, tmp_path, acme):
    daemon = start(*SERVER_OPTION, *HTTPS, *pair_options(tmp_path), *acme)
    certificate, key = site.write(tmp_path / "challenges")
    before = len(daemon.log)
    certificate.rename(tmp_path / "site.pem")
    assert "site.key" in daemon.wait_for_log("matrix-wellknownd: ", before)
    assert is_refused(daemon.https[0])
    key.rename(tmp_path / "site.key")
    wait_until_served(daemon.https[0], site)


def test_a_broken_certificate_waits_for_a_good_one(start, site, tmp_path, acme):
    (tmp_path / "site.pem").write_text("garbage")
    (tmp_path / "site.key").write_text("garbage")
    daemon = start(*SERVER_OPTION, *HTTPS, *pair_options(tmp_path), *acme)
    assert str(tmp_path / "site.pem") in daemon.log
    site.write(tmp_path)
    wait_until_served(daemon.https[0], site)


def test_each_domain_waits_for_its_own(start, authority, tmp_path, challenges):
    pairs = {name: authority.issue(name) for name in ("a.example", "b.example")}
    text = f'listen = {{ "127.0.0.1:0" }}\nacme_alpn_dir = "{challenges}"\n'
    for name in pairs:
        text += (
            f'domain "{name}" {{ server = "m.example:1"\n'
            f'certificate = "{tmp_path}/{name}.pem"\nkey = "{tmp_path}/{name}.key" }}\n'
        )
    https = start.configured(text).https[0]
    anyone = trusting_anyone()
    for name in ("b.example", "a.example"):
        pairs[name].write(tmp_path, name)
        eventually(
            lambda name=name: https.serves(host=name, server_name=name, tls=anyone),
            f"{name} to be served",
            timeout=2,
        )
        assert https.certificate(name, anyone) == pairs[name].leaf
    # The first of the configuration is for clients that name none.
    assert https.certificate(None, anyone) == pairs["a.example"].leaf


def test_challenges_are_answered_before_there_is_a_certificate(start, tmp_path, challenges):
    line = (*SERVER_OPTION, *HTTPS, *pair_options(tmp_path), "--acme-alpn-dir", challenges)
    daemon = start(*line)
    assert refusal(daemon.https[0], b"example.com") == UNRECOGNIZED_NAME
    write_challenge(challenges, "example.com")
    assert refusal(daemon.https[0], b"example.com") is None


def test_it_starts_without_a_certificate_at_a_reload_too(start, site, tmp_path, challenges):
    text = 'listen_http = { "127.0.0.1:0" }\nserver = "m.example:1"\n'
    certificate, key = site.write(tmp_path)
    certificate.rename(tmp_path / "later.pem")
    port = free_port()
    daemon = start.configured(text)
    daemon.configuration.write_text(
        text + f'listen = {{ "127.0.0.1:{port}" }}\nacme_alpn_dir = "{challenges}"\n'
        f'certificate = "{certificate}"\nkey = "{key}"\n'
    )
    daemon.reload()
    daemon.wait_for_log(f"ready .*https://127.0.0.1:{port}")
    https = daemon.endpoint("127.0.0.1", port, tls=True)
    assert is_refused(https)
    (tmp_path / "later.pem").rename(certificate)
    wait_until_served(https, site)


def test_a_reload_before_the_first_certificate_changes_nothing(start, site, tmp_path, challenges):
    folder = tmp_path / "live" / "example.com"
    daemon = start.configured(
        f'listen = {{ "127.0.0.1:0" }}\nserver = "m.example:1"\nacme_alpn_dir = "{challenges}"\n'
        f'certificate = "{folder}/site.pem"\nkey = "{folder}/site.key"\n'
    )
    for _ in range(2):
        before = len(daemon.log)
        daemon.reload()
        daemon.wait_for_log("ready", before)
        assert is_refused(daemon.https[0])
    folder.mkdir(parents=True)
    site.write(folder)
    wait_until_served(daemon.https[0], site)
    before = len(daemon.log)
    daemon.reload()
    daemon.wait_for_log("ready", before)
    assert daemon.https[0].certificate(tls=trusting_anyone()) == site.leaf


@pytest.mark.skipif(
    is_sanitized() or not kernel.has_landlock(), reason="without Landlock there is no such wall"
)
def test_waiting_for_a_directory_among_those_of_many_gets_a_warning(start, site, acme):
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.rmdir()
    daemon = start(*SERVER_OPTION, *HTTPS, *pair_options(folder), *acme)
    assert re.search(rf"warning: .*{folder}.*all of /tmp stays readable", daemon.log)
    folder.mkdir()
    try:
        site.write(folder)
        wait_until_served(daemon.https[0], site)
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_first_certificate_that_is_roots_alone_is_read(start, site, tmp_path, acme):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    live = tmp_path / "live"
    daemon = start(
        *SERVER_OPTION, *HTTPS, *pair_options(live / "example.com"), *acme, "--user", "nobody"
    )
    live.mkdir(mode=0o700)
    (live / "example.com").mkdir()
    for file in site.write(live / "example.com"):
        file.chmod(0o600)
    wait_until_served(daemon.https[0], site)


def test_the_test_finds_a_certificate_that_is_awaited_in_order(site, tmp_path, acme):
    line = (*SERVER_OPTION, *HTTPS, *pair_options(tmp_path), *acme)
    awaited = run(*line, "--test")
    assert awaited.returncode == 0
    assert "site.pem is not there yet" in awaited.stdout and str(acme[1]) in awaited.stdout
    site.write(tmp_path)
    (tmp_path / "site.key").write_text("garbage")
    assert run(*line, "--test").returncode == 1


def test_the_health_check_tells_that_https_is_refused(start, site, tmp_path, challenges):
    port = free_port()
    line = (
        *SERVER_OPTION, "--listen", f"127.0.0.1:{port}", *pair_options(tmp_path),
        "--acme-alpn-dir", challenges,
    )
    daemon = start(*line)
    unwell = run(*line, "--health-check")
    assert unwell.returncode == 1 and "handshake" in unwell.stderr
    site.write(tmp_path)
    wait_until_served(daemon.https[0], site)
    assert run(*line, "--health-check").returncode == 0
