"""Certificates at the start: which are taken, which are refused, and what the log says."""

import os
import re
import ssl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.certificates import DAY, now, private_key_pem
from harness.daemon import HTTPS, SERVER_OPTION, readable_by_all, run
from harness.wire import trusting_anyone

LINE = (*SERVER_OPTION, *HTTPS)


def assert_cannot_start(pair_options, *named, **details):
    refused = run(*LINE, *pair_options, **details)
    assert refused.returncode == 1, refused
    for name in named:
        assert str(name) in refused.stderr, refused.stderr
    assert "ready" not in refused.stderr
    return refused.stderr


@pytest.mark.parametrize("form", ("PKCS8", "TraditionalOpenSSL"))
@pytest.mark.parametrize("kind", ("ecdsa", "rsa"))
def test_keys_are_taken_in_each_usual_form(start, authority, tmp_path, kind, form):
    pair = authority.issue("example.com") if kind == "ecdsa" else authority.issue_rsa("example.com")
    pair.key = private_key_pem(pair.private_key, form)
    assert start(*LINE, *pair.options(tmp_path)).https[0].get().status == 200


def test_certificate_and_key_may_be_one_file(start, site, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(site.key + site.chain)
    assert start(*LINE, "--certificate", both, "--key", both).https[0].get().status == 200


def test_an_ec_key_may_come_after_its_parameters(start, site, tmp_path):
    # As `openssl ecparam -genkey` writes it.
    site_key = private_key_pem(site.private_key, "TraditionalOpenSSL")
    certificate, key = site.write(tmp_path)
    key.write_bytes(
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + site_key
    )
    assert start(*LINE, "--certificate", certificate, "--key", key).https[0].get().status == 200


def test_a_relative_path_of_the_command_line_is_meant_from_where_it_was_given(
    start, site, tmp_path
):
    site.write(tmp_path)
    line = ("--certificate", "site.pem", "--key", "site.key")
    assert start(*LINE, *line, cwd=tmp_path).https[0].get().status == 200


def test_an_expired_certificate_is_served_with_an_error(start, authority, tmp_path):
    expired = authority.issue("example.com", not_before=now() - 9 * DAY, not_after=now() - DAY)
    daemon = start(*LINE, *expired.options(tmp_path))
    assert daemon.https[0].certificate(tls=trusting_anyone()) == expired.leaf
    error = daemon.wait_for_log("expired")
    assert "matrix-wellknownd: " in error and "site.pem" in error
    assert f"{expired.not_after:%Y-%m-%d}" in error


def test_a_certificate_that_is_not_yet_valid_is_served_with_an_error(start, authority, tmp_path):
    early = authority.issue("example.com", not_before=now() + DAY)
    daemon = start(*LINE, *early.options(tmp_path))
    assert daemon.https[0].certificate(tls=trusting_anyone()) == early.leaf
    assert "site.pem" in daemon.wait_for_log("not (yet )?valid")


@pytest.mark.parametrize(("lifetime", "left"), ((90, 13), (365, 13), (47, 7), (6, 0.9)))
def test_a_certificate_near_its_end_gets_a_warning(start, authority, tmp_path, lifetime, left):
    """Of a sixth of its lifetime, and of 14 days at most."""
    end = now() + left * DAY
    soon = authority.issue("example.com", not_before=end - lifetime * DAY, not_after=end)
    daemon = start(*LINE, *soon.options(tmp_path))
    assert "site.pem" in daemon.wait_for_log(f"{soon.not_after:%Y-%m-%d}")


@pytest.mark.parametrize(("lifetime", "left"), ((90, 16), (365, 16), (47, 8), (6, 1.1)))
def test_a_certificate_with_more_time_gets_none(start, authority, tmp_path, lifetime, left):
    end = now() + left * DAY
    later = authority.issue("example.com", not_before=end - lifetime * DAY, not_after=end)
    assert "matrix-wellknownd: " not in start(*LINE, *later.options(tmp_path)).log


def test_a_certificate_for_another_name_is_served_with_a_warning(start, authority, tmp_path):
    wrong = authority.issue("www.example.com")
    daemon = start(*LINE, *wrong.options(tmp_path), "--domain", "example.com")
    assert daemon.https[0].certificate(tls=trusting_anyone()) == wrong.leaf
    warning = daemon.wait_for_log(r"matrix-wellknownd: .*site\.pem")
    assert "example.com" in warning


@pytest.mark.parametrize("names", (("example.com",), ("*.example.com", "example.com")))
def test_a_certificate_for_the_right_name_gets_no_warning(start, authority, tmp_path, names):
    daemon = start(*LINE, *authority.issue(*names).options(tmp_path), "--domain", "example.com")
    assert "matrix-wellknownd: " not in daemon.log


def test_a_wildcard_certificate_is_for_the_names_below_it(start, authority, tmp_path):
    pair = authority.issue("*.example.com")
    daemon = start(*LINE, *pair.options(tmp_path), "--domain", "chat.example.com")
    assert daemon.https[0].get(host="chat.example.com", server_name="chat.example.com")
    assert "matrix-wellknownd: " not in daemon.log


def test_a_key_of_another_certificate_is_refused_with_both_files(authority, site, tmp_path):
    certificate, _ = site.write(tmp_path)
    _, key = authority.issue("example.com").write(tmp_path, "other")
    assert_cannot_start(("--certificate", certificate, "--key", key), certificate, key)


@pytest.mark.parametrize(
    "content",
    (b"", b"garbage\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None),
    ids=("empty", "garbage", "broken inside", "a directory"),
)
@pytest.mark.parametrize("bad", ("certificate", "key"))
def test_a_bad_file_is_refused_with_its_name(site, tmp_path, bad, content):
    files = dict(zip(("certificate", "key"), site.write(tmp_path)))
    files[bad].unlink()
    if content is None:
        files[bad].mkdir()
    else:
        files[bad].write_bytes(content)
    said = assert_cannot_start(
        ("--certificate", files["certificate"], "--key", files["key"]), files[bad]
    )
    assert re.search(r"matrix-wellknownd: .+: .+", said)


def test_a_missing_file_is_refused_with_its_name(site, tmp_path):
    certificate, key = site.write(tmp_path)
    key.unlink()
    assert_cannot_start(("--certificate", certificate, "--key", key), key)


def test_files_swapped_on_the_command_line_are_refused(site, tmp_path):
    certificate, key = site.write(tmp_path)
    assert_cannot_start(("--certificate", key, "--key", certificate), key)


def test_a_certificate_in_der_is_refused(site, tmp_path):
    certificate, key = site.write(tmp_path)
    certificate.write_bytes(site.leaf)
    assert_cannot_start(("--certificate", certificate, "--key", key), certificate)


def test_a_key_with_a_password_is_refused(site, tmp_path):
    certificate, key = site.write(tmp_path)
    key.write_bytes(
        site.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert_cannot_start(("--certificate", certificate, "--key", key), key)


def test_a_chain_with_a_broken_second_certificate_is_refused(site, tmp_path):
    certificate, key = site.write(tmp_path)
    lines = certificate.read_bytes().splitlines(keepends=True)
    certificate.write_bytes(b"".join(lines[:-4]))
    assert_cannot_start(("--certificate", certificate, "--key", key), certificate)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_an_unreadable_file_is_refused_with_its_name(site, tmp_path):
    readable_by_all(tmp_path)
    certificate, key = site.write(tmp_path)
    key.chmod(0o600)
    said = assert_cannot_start(
        ("--certificate", certificate, "--key", key), key, user="nobody", group="nogroup"
    )
    assert "Permission denied" in said or "permission" in said


def two_domains(start, good, bad_lines):
    (start.directory / "good").mkdir()
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        domain "example.com" {{ server = "m.example:1"
            {good.settings(start.directory / "good")} }}
        domain "bad.example" {{ server = "m.example:2"
            {bad_lines} }}
        """
    )


def test_one_bad_certificate_of_two_is_that_domains_alone(start, site, authority, tmp_path):
    bad = authority.issue("bad.example").settings(tmp_path, "bad")
    (tmp_path / "bad.pem").write_text("garbage")
    daemon = two_domains(start, site, bad)
    daemon.wait_for_log(r"matrix-wellknownd: .*bad\.pem: .+")
    assert daemon.https[0].get().json == {"m.server": "m.example:1"}
    with pytest.raises(ssl.SSLError) as refused:
        daemon.https[0].certificate("bad.example")
    assert "UNRECOGNIZED_NAME" in str(refused.value)
    assert daemon.http[0].get(host="bad.example").json == {"m.server": "m.example:2"}


def test_a_domain_without_usable_certificate_gets_none_of_the_others(start, site, tmp_path):
    lines = f'certificate = "{tmp_path}/none.pem"\nkey = "{tmp_path}/none.key"'
    daemon = two_domains(start, site, lines)
    assert "none.pem" in daemon.wait_for_log("none.pem")
    with pytest.raises(ssl.SSLError):
        daemon.https[0].certificate("bad.example", trusting_anyone())


def test_where_no_domain_has_a_usable_certificate_it_does_not_start(tmp_path):
    file = tmp_path / "test.conf"
    domain = 'domain "{0}" {{ server = "m:1"\ncertificate = "{0}.pem"\nkey = "{0}.key" }}\n'
    file.write_text(
        'listen = { "127.0.0.1:0" }\n' + domain.format("a.example") + domain.format("b.example")
    )
    refused = run("--config", file)
    assert refused.returncode == 1
    assert "a.example.pem" in refused.stderr and "b.example.pem" in refused.stderr


def test_a_weak_rsa_key_does_not_crash_it(start, authority, tmp_path):
    weak = authority.issue("example.com", key=rsa.generate_private_key(65537, 1024))
    started = start.without_waiting(*LINE, *weak.options(tmp_path))
    started.wait_for_log("ready|matrix-wellknownd: ")
    assert started.process.poll() in (None, 1)
