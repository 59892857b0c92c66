"""The usual ways to lay a certificate wrong: at a renewal the good pair goes on, or the new one is in
use with a warning; in both cases the log says what is wrong and what to do."""

import dataclasses
import os
import re
import shutil
import subprocess

import pytest
from harness.certificates import DAY, Authority, RenamedOver, members_of, now
from harness.daemon import BINARY, HTTPS, SERVER_OPTION, environment_of, run
from harness.pebble import in_trust_of
from harness.waiting import scaled
from harness.wire import trusting_anyone


def changed(pair, *members, **parts):
    """The pair with these members of its chain, or with other parts."""
    if members:
        parts["chain"] = b"".join(members)
    return dataclasses.replace(pair, **parts)


def good(authority):
    return authority.issue("example.com", "www.example.com")


def leaf_of(pair):
    return members_of(pair)[0]


def other_chain(authority, tmp_path):
    (tmp_path / "other").mkdir()
    return members_of(Authority(tmp_path / "other").issue("example.com"))


def expired(authority):
    return authority.issue("example.com", not_before=now() - 9 * DAY, not_after=now() - DAY)


# What is laid in place of the good pair, and what the log says of it.
REFUSED = {
    "the new leaf with the old chain": (
        lambda a, t: changed(good(a), leaf_of(good(a)), other_chain(a, t)[1]),
        r'"CN=Test Intermediate" from "CN=Test Root" .*does not belong.*put the certificate first',
    ),
    "another site's leaf after the chain": (
        lambda a, t: changed(good(a), good(a).chain, other_chain(a, t)[0]),
        r'"CN=example.com" from "CN=Test Intermediate" .*does not belong',
    ),
    "the intermediate first": (
        lambda a, t: (lambda p: changed(p, *members_of(p)[::-1]))(good(a)),
        'begins with the intermediate "CN=Test Intermediate": put the certificate of '
        '"CN=example.com" first',
    ),
    "chain.pem for fullchain.pem": (
        lambda a, t: (lambda p: changed(p, members_of(p)[1]))(good(a)),
        "name fullchain.pem in place of chain.pem",
    ),
    "the key of another certificate": (
        lambda a, t: changed(good(a), key=good(a).key), "the private key does not belong"
    ),
    "the key for the certificate": (
        lambda a, t: (lambda p: changed(p, p.key))(good(a)), "no certificate can be read"
    ),
    "the certificate for the key": (
        lambda a, t: (lambda p: changed(p, key=p.chain))(good(a)), "no private key can be read"
    ),
    "DER": (lambda a, t: (lambda p: changed(p, p.leaf))(good(a)), "a PEM file .* is needed"),
    "an expired one": (lambda a, t: expired(a), "expired on 20"),
    "cut short": (lambda a, t: (lambda p: changed(p, p.chain[:-200]))(good(a)), "cannot be read"),
    "empty": (lambda a, t: changed(good(a), b""), "is empty"),
    "no file at all": (None, "No such file"),
    "a folder": (None, "is a directory"),
    "a link that leads nowhere": (
        None, r"the link \S*/site.pem leads to ../../archive/site1.pem, which is not there: .*mounted"
    ),
}
TAKEN = {
    "cert.pem for fullchain.pem": (
        lambda a: (lambda p: changed(p, leaf_of(p)))(good(a)),
        "no intermediate .*name fullchain.pem in place of cert.pem",
    ),
    "for other names": (
        lambda a: a.issue("www.example.com"),
        'the new certificate is not for "example.com", which the old one was for',
    ),
    "without names": (lambda a: a.issue_unnamed("example.com"), "no subject alternative name"),
    "an RSA key": (lambda a: a.issue_rsa("example.com"), "RSA key of 2048 bits.*ECDSA"),
}


@pytest.fixture
def files(tmp_path, authority):
    (tmp_path / "pair").mkdir()
    return RenamedOver(tmp_path / "pair", authority.issue("example.com"))


def started(start, files):
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    return start(*line)


def lay(files, mistake, pair):
    if pair:
        files.replace(pair)
        return
    files.certificate.unlink()
    if mistake == "a folder":
        files.certificate.mkdir()
    elif mistake == "a link that leads nowhere":
        files.certificate.symlink_to("../../archive/site1.pem")


@pytest.mark.parametrize("mistake", REFUSED)
def test_what_cannot_work_is_refused_with_the_reason(start, authority, tmp_path, files, mistake):
    make, words = REFUSED[mistake]
    daemon = started(start, files)
    served = daemon.https[0].certificate(tls=trusting_anyone())
    lay(files, mistake, make and make(authority, tmp_path))
    error = daemon.wait_for_log(f"matrix-wellknownd: .*pair/site.*{words}")
    assert "the certificate in use goes on, good until 20" in error
    assert daemon.https[0].certificate(tls=trusting_anyone()) == served


@pytest.mark.parametrize("mistake", REFUSED)
def test_the_same_is_refused_at_the_start_and_by_test(authority, tmp_path, files, mistake):
    make, words = REFUSED[mistake]
    lay(files, mistake, make and make(authority, tmp_path))
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    if mistake == "an expired one":
        assert run(*line, "--test").returncode == 0  # so that its renewal heals it
        return
    for arguments in (line, (*line, "--test")):
        refused = run(*arguments)
        assert refused.returncode == 1
        assert re.search(words, refused.stderr), refused.stderr


@pytest.mark.parametrize("mistake", TAKEN)
def test_what_is_legal_but_hardly_meant_gets_a_warning(start, authority, files, mistake):
    make, words = TAKEN[mistake]
    daemon = started(start, files)
    pair = make(authority)
    files.replace(pair)
    warning = daemon.wait_for_log(words)
    assert "warning: " in warning and "pair/site.pem: " in warning
    daemon.wait_for_log("new certificate in use")
    assert daemon.https[0].certificate(tls=trusting_anyone()) == pair.leaf
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    tested = run(*line, "--domain", "example.com", "--test")
    assert tested.returncode == 0
    assert "warning: " in tested.stderr and "pair/site.pem: " in tested.stderr


def can_mount():
    line = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return shutil.which("unshare") and subprocess.run(line, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="user namespaces are not available")
def test_a_single_file_that_is_mounted_gets_a_warning(files, tmp_path):
    mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    outside = tmp_path / "outside.pem"
    outside.write_bytes(files.certificate.read_bytes())
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    tested = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
        + [outside, files.certificate, BINARY, *line, "--test"],
        env=environment_of(), capture_output=True, text=True, timeout=scaled(20), check=False,
    )
    assert tested.returncode == 0, tested
    assert "site.pem: is mounted by itself" in tested.stderr
    assert "mount its folder" in tested.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have the system trust another CA")
@pytest.mark.parametrize("was_trusted", (True, False))
def test_a_renewal_that_leads_to_no_ca_of_the_system_is_not_silent(
    start, authority, tmp_path, files, was_trusted
):
    """Where the one before did: with a CA of one's own, nothing is expected."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", root="Other Root")
    trusted = authority if was_trusted else other
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    daemon = start(*line, starter=in_trust_of(trusted.file))
    files.replace(authority.issue_deep("example.com", 4))
    daemon.wait_for_log("new certificate in use")
    before = len(daemon.log)
    assert "warning" not in daemon.log
    stranger = other if was_trusted else Authority(tmp_path, root="Third Root")
    files.replace(stranger.issue("example.com"))
    if was_trusted:
        daemon.wait_for_log("site.pem: .*CA that this system trusts", before)
    else:
        daemon.wait_for_log("new certificate in use", before)
        daemon.reload()  # what is logged after it was, is there by then
        daemon.wait_for_log("^ready", before)
        assert "CA that this system trusts" not in daemon.log
