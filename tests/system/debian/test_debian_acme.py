"""From an installation without a certificate to one that the timer renews, against Pebble, which
runs on the machine's network and asks port 443 of the machine."""

import datetime
import os
import re

import pytest
from conftest import ANSWERS
from cryptography import x509
from harness.certificates import now
from harness.daemon import PROJECT
from harness.load import Load
from harness.pebble import PROGRAMS, Pebble
from harness.peers import find, missing
from harness.waiting import eventually
from harness.wire import trusting_anyone

UNIT = "matrix-wellknownd.service"
RENEWAL = "matrix-wellknownd-acme.service"
TIMER = "matrix-wellknownd-acme.timer"
README = PROJECT / "README.md"
STATE = "/var/lib/matrix-wellknownd"
LIFETIME = datetime.timedelta(seconds=18)  # of which 12 go by before a certificate is due


@pytest.fixture(scope="module")
def apex(boot, packages, authority, tmp_path_factory):
    """A machine on which the questions have been answered, and nothing else; `pebble` asks it."""
    for program in PROGRAMS:
        if not find(program):
            pytest.skip(missing(program))
    machine = boot()
    try:
        machine.write("/etc/ssl/certs/ca-certificates.crt", authority.file.read_bytes())
        machine.preseed(**ANSWERS)
        machine.said = machine.install(packages["matrix-wellknownd"]).stdout
        machine.pebble = Pebble(
            tmp_path_factory.mktemp("pebble"), authority, lifetime=LIFETIME.seconds, https_port=443,
            prefix=["nsenter", f"--net=/proc/{machine.leader}/ns/net"],
        )
        yield machine
        print(machine.journal(), machine.journal(RENEWAL), machine.pebble.log)
        machine.pebble.stop()
    finally:
        machine.stop()


@pytest.fixture(scope="module")
def enabled(apex):
    """The same after the one command."""
    apex.said = apex.output(
        *("matrix-wellknownd-acme", "enable", "example.com", "--email", "you@example.com"),
        *("--directory", apex.pebble.directory),
    )
    return apex


def served(machine):
    """The leaf that is served, as DER, or None."""
    try:
        return machine.endpoint(tls=trusting_anyone()).certificate()
    except OSError:
        return None


def test_it_runs_without_a_certificate_and_says_how_to_get_one(apex):
    assert apex.property(UNIT, "ActiveState") == "active"
    assert "matrix-wellknownd-acme enable" in apex.said
    assert served(apex) is None
    assert apex.run("systemctl", "is-enabled", TIMER, check=False).stdout.strip() == "disabled"


def test_one_command_gets_a_certificate_and_has_it_renewed(enabled):
    assert re.fullmatch(
        "matrix-wellknownd-acme: the authority's terms of service are taken as accepted: .*\n"
        "matrix-wellknownd-acme: example.com: a new certificate, good until .*",
        enabled.said,
    )
    eventually(lambda: served(enabled), "the certificate")
    states = enabled.output("systemctl", "is-enabled", TIMER), enabled.property(TIMER, "ActiveState")
    assert states == ("enabled", "active")
    assert enabled.property(TIMER, "NextElapseUSecRealtime")
    assert "renewed from" in enabled.output("matrix-wellknownd-acme", "status")


def test_the_timers_service_renews_what_is_due_and_no_request_fails(enabled):
    before = eventually(lambda: served(enabled), "the certificate")
    enabled.run("systemctl", "start", RENEWAL)
    assert "a new certificate" not in enabled.journal(RENEWAL), "it was not due yet"
    ends = x509.load_der_x509_certificate(before).not_valid_after
    eventually(lambda: ends - now() < LIFETIME / 3, "its last third", LIFETIME.seconds)
    with Load(enabled.endpoint(tls=trusting_anyone())) as load:
        enabled.run("systemctl", "start", RENEWAL)
        eventually(lambda: served(enabled) != before, "the renewed certificate", timeout=2)
    assert load.failures == []
    assert "example.com: a new certificate" in enabled.journal(RENEWAL)


def test_a_renewal_that_fails_is_an_error_in_the_journal_in_words(enabled):
    enabled.pebble.stop()
    record = enabled.path(f"{STATE}/acme/enabled/example.com")
    kept = record.read_text()
    record.write_text("https://localhost:1/dir\n")
    enabled.run("rm", f"{STATE}/certificates/example.com")
    tried = enabled.run("systemctl", "start", RENEWAL, check=False)
    record.write_text(kept)
    assert tried.returncode != 0
    errors = enabled.output("journalctl", "--no-pager", "--unit", RENEWAL, "--priority", "err")
    assert "example.com: no new certificate: the authority cannot be reached at" in errors


def test_the_renewal_is_confined(enabled):
    said = enabled.output("systemd-analyze", "--no-pager", "security", RENEWAL)
    exposure = float(re.search(r"Overall exposure level .*: ([0-9.]+)", said)[1])
    print(f"exposure {exposure}")
    assert exposure <= 2.5


def test_the_daemon_sees_the_pairs_and_not_the_accounts(enabled):
    root = enabled.path(f"/proc/{enabled.property(UNIT, 'MainPID')}/root{STATE}")
    assert sorted(os.listdir(root)) == ["certificates", "challenges", "webroot"]


def test_the_readmes_lines_for_certbot_serve_its_webroot_on_port_80(enabled):
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if "certbot certonly" in block)
    lines = [line.removeprefix("sudo ") for line in block.splitlines()]
    before = lines.index(next(line for line in lines if line.startswith("certbot")))
    webroot = re.search(r"-w (\S+)", lines[before])[1]
    for line in lines[:before]:
        enabled.run("sh", "-c", line)
    enabled.write(f"{webroot}/.well-known/acme-challenge/token", "token.thumbprint")
    answer = enabled.endpoint(80).get("/.well-known/acme-challenge/token")
    assert (answer.status, answer.body) == (200, b"token.thumbprint")


def test_purging_takes_the_timer_and_all_that_it_kept_along(enabled):
    # systemd remembers of any unit that it has failed.
    enabled.run("systemctl", "reset-failed", RENEWAL)
    enabled.run("apt-get", "--yes", "purge", "matrix-wellknownd", DEBIAN_FRONTEND="noninteractive")
    assert not enabled.path(STATE).exists()
    assert enabled.output("find", "/etc/systemd", "-name", "matrix-wellknownd*") == ""
    assert "matrix" not in enabled.output("systemctl", "list-units", "--all", "--no-legend")
