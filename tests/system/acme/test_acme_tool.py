"""What matrix-wellknownd-acme does when, and what it says."""

import datetime
import re

import pytest
from apex import TOOL, Apex
from cryptography import x509
from harness.certificates import DAY
from harness.pebble import Pebble

USAGE = "see matrix-wellknownd-acme --help"


def from_now(span):
    """A command that runs another one at a later time of the clock."""
    return ("faketime", "-f", f"+{int(span.total_seconds())}s")


@pytest.mark.parametrize("days", (90, 6), ids=("for 90 days", "for 6 days"))
def test_a_pair_is_renewed_when_two_thirds_of_its_time_are_over(
    start, pebble, authority, tmp_path, days
):
    other = Pebble(
        tmp_path / "pebble", authority, lifetime=days * 86400, https_port=pebble.https_port
    )
    apex = Apex(start, other, authority, tmp_path).serve_ours()
    try:
        apex.tool("enable", "example.com")
        first = apex.written_leaf()
        due = days * DAY * 2 / 3
        minutes = datetime.timedelta(minutes=5)
        assert apex.tool("renew", before=from_now(due - minutes)).stdout == ""
        assert apex.written_leaf() == first
        said = apex.tool("renew", before=from_now(due + minutes)).stdout
        assert "example.com: a new certificate, good until " in said
        assert apex.written_leaf() != first
        apex.wait_until_served()
    finally:
        other.stop()


def test_enabling_again_asks_for_nothing_unless_forced(enabled):
    before = enabled.contents()
    assert "is enabled, with a certificate that is good until 20" in enabled.tool("enable").stdout
    assert enabled.contents() == before
    enabled.tool("enable", "--force")
    assert enabled.contents() != before


def test_enabling_at_another_authority_replaces_the_pair(obstructed):
    before = obstructed.written_leaf()
    obstructed.tool("enable")
    assert obstructed.written_leaf() != before
    assert f"authority {obstructed.pebble.directory}\n" in obstructed.tool("status").stdout


def test_each_domain_of_the_configuration_gets_a_certificate_of_its_own(apex):
    names = ("example.com", "two.example", "three.example")
    apex.serve_ours(*names)
    apex.tool("enable")
    for name in names:
        apex.wait_until_served(name)
        extension = x509.load_der_x509_certificate(apex.written_leaf(name)).extensions
        alternatives = extension.get_extension_for_class(x509.SubjectAlternativeName).value
        assert alternatives.get_values_for_type(x509.DNSName) == [name]
    assert re.findall(r"^\S+$", apex.tool("status").stdout, re.MULTILINE) == sorted(names)


def test_a_name_is_the_same_in_capitals_and_with_a_dot_at_the_end(enabled):
    before = enabled.contents()
    enabled.tool("enable", "Example.COM.")
    assert enabled.contents() == before


def test_the_account_is_kept_and_its_address_changed(enabled):
    (account,) = (enabled.state / "acme/accounts").iterdir()
    key = (account / "key.pem").read_bytes()
    assert (account / "key.pem").stat().st_mode & 0o077 == 0
    seen = len(enabled.pebble.log)
    enabled.tool("enable", "--force", "--email", "one@example.com")
    assert "POST /my-account/" in enabled.pebble.log[seen:]
    enabled.tool("renew", "--force")
    assert (account / "email").read_text() == "one@example.com\n"
    assert (account / "key.pem").read_bytes() == key


def test_a_dry_run_goes_all_the_way_and_keeps_nothing(apex):
    apex.serve_ours()
    said = apex.tool("enable", "example.com", "--dry-run", "--email", "you@example.com").stdout
    assert f"all went well at {apex.pebble.directory}, and nothing was kept" in said
    assert apex.contents() == {}
    assert not list((apex.state / "acme/accounts").iterdir())
    assert list(apex.challenges.iterdir()) == []
    assert apex.served_leaf() is None


def test_a_dry_renewal_keeps_nothing_and_fails_where_a_true_one_would(enabled, pebble):
    before = enabled.contents()
    assert "nothing was kept" in enabled.tool("renew", "--dry-run").stdout
    assert enabled.contents() == before


PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


@pytest.mark.parametrize(
    ("arguments", "directory"),
    (
        (("enable", "example.com"), PRODUCTION),
        (("enable", "example.com", "--staging"), STAGING),
        (("enable", "example.com", "--dry-run"), STAGING),
        (("renew", "--force"), PRODUCTION),
        (("renew", "--dry-run"), STAGING),
    ),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_lets_encrypt_is_asked_unless_it_is_for_trying_out(enabled, tmp_path, arguments, directory):
    """No test can ask Let's Encrypt: here something else stands in for uacme."""
    stand_in = tmp_path / "bin" / "uacme"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\necho "uacme: $*"\nexit 2\n')
    stand_in.chmod(0o755)
    (enabled.state / "acme/enabled/example.com").write_text(PRODUCTION + "\n")
    path = f"PATH={stand_in.parent}:{enabled.environment()['PATH']}"
    own = ("--state", enabled.state, "--config", enabled.daemon.configuration, "--force")
    result = enabled.run("env", path, TOOL, *arguments, *own, check=False)
    assert result.returncode == 1
    assert f"--acme-url {directory} new" in result.stdout


def test_a_domain_with_another_pair_is_told_of_and_the_lines_work(apex, authority, tmp_path):
    (tmp_path / "else").mkdir()
    apex.serve(tmp_path / "else/fullchain.pem", tmp_path / "else/privkey.pem")
    said = apex.tool("enable", "example.com").stdout
    assert f"the configuration names {tmp_path}/else/fullchain.pem" in said
    text = apex.daemon.configuration.read_text()
    for line in re.findall("^    (.* = .*)$", said, re.MULTILINE):
        key = line.split()[0]
        text = re.sub(f"^ +{key} .*$", line, text, flags=re.MULTILINE)
    apex.daemon.configuration.write_text(text)
    apex.daemon.stop()
    apex.serve_ours()
    apex.wait_until_served()


def test_a_daemon_for_any_host_gets_one_for_the_name_that_is_given(apex):
    apex.serve(*apex.pair("example.com"), "*")
    unnamed = apex.tool("enable", check=False)
    assert unnamed.returncode == 1 and "name the ones that it is for" in unnamed.stdout
    assert "the configuration names" not in apex.tool("enable", "example.com").stdout
    apex.wait_until_served()


def test_a_disabled_name_is_renewed_no_more_and_served_as_before(enabled):
    before = enabled.written_leaf()
    assert "is renewed no more; its certificate is good until 20" in enabled.tool("disable").stdout
    assert enabled.tool("renew", "--force").stdout == ""
    enabled.wait_until_served()
    assert enabled.written_leaf() == before
    said = enabled.tool("status", check=False)
    assert said.returncode == 1 and "nothing is enabled" in said.stdout


def test_the_status_names_the_authority_and_the_dates(enabled):
    said = enabled.tool("status").stdout
    date = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.fullmatch(
        f"example.com\n  authority {enabled.pebble.directory}\n"
        f"  certificate {enabled.pair()[0]}\n  good until {date}, renewed from {date} on\n",
        said,
    )
    expired = enabled.tool("status", before=from_now(91 * DAY), check=False)
    assert expired.returncode == 1


def test_a_pair_that_is_gone_is_got_again(enabled):
    (enabled.state / "certificates/example.com").unlink()
    result = enabled.tool("status", check=False)
    assert result.returncode == 1 and "no certificate" in result.stdout
    enabled.tool("renew")
    enabled.wait_until_served()


@pytest.mark.parametrize(
    ("arguments", "words"),
    (
        (("enable", "*.example.com"), "a wildcard"),
        (("enable", "../../etc"), "is no domain"),
        (("enable", "a..example"), "is no domain"),
        (("enable", ""), "is no domain"),
        (("enable", "-x.example"), "invalid option"),
        (("enable", "--", "-x.example"), "is no domain"),
        (("enable", "example.com\nx"), "is no domain"),
        (("enable", "example.com; touch x"), "is no domain"),
        (("enable", "--staging"), "exclude each other"),
        (("enable", "--directory", "localhost"), "is no URL"),
        (("enable", "--timeout", "0"), "no number of seconds"),
        (("enable", "--timeout", "1m"), "no number of seconds"),
        (("enable", "--nonsense"), "unrecognized option"),
        (("status", "example.com"), "takes no names"),
        (("nonsense",), "is no command"),
        ((), "Usage: matrix-wellknownd-acme enable"),
    ),
    ids=lambda value: repr(value)[:40],
)
def test_wrong_usage_is_refused_before_anything_is_done(apex, arguments, words):
    apex.serve_ours()
    line = apex.tool_line(*arguments) if arguments else apex.tool_line("")
    result = apex.run(*line, check=False)
    assert result.returncode == 2, result.stdout
    assert words in result.stdout
    assert apex.contents() == {}


@pytest.mark.parametrize("command", ("renew", "disable"))
def test_a_name_that_is_not_enabled_is_refused(enabled, command):
    result = enabled.tool(command, "other.example", check=False)
    assert result.returncode == 1 and "other.example is not enabled" in result.stdout


def test_a_name_that_is_not_configured_is_refused_before_anything_is_done(apex):
    apex.serve_ours()
    result = apex.tool("enable", "example.com", "other.example", check=False)
    assert result.returncode == 1
    assert 'the configuration has no domain "other.example"' in result.stdout
    assert apex.contents() == {}


def test_a_renewal_of_nothing_does_not_even_read_the_configuration(enabled, tmp_path):
    broken = tmp_path / "broken.conf"
    broken.write_text("nonsense = 1\n")
    assert enabled.tool("renew", configuration=broken).stdout == ""
    result = enabled.tool("renew", "--force", configuration=broken, check=False)
    assert result.returncode == 1 and f"{broken}:1: " in result.stdout


def test_a_broken_configuration_is_told_with_the_daemons_words(apex, tmp_path):
    apex.serve_ours()
    broken = tmp_path / "broken.conf"
    broken.write_text("nonsense = 1\n")
    result = apex.tool("enable", "example.com", configuration=broken, check=False)
    assert result.returncode == 1
    assert f"{broken}:1: " in result.stdout and "cannot be used: see above" in result.stdout
