"""matrix-wellknownd-acme where things go wrong: what it says, and that the old pair stays whole."""

import re

import pytest
from obstacles import HANG, page, problem

AGAIN = "no new certificate: "


def fails(apex, *arguments, **details):
    """Runs our command, which must fail in one line and leave everything as it was; that line."""
    before = apex.contents()
    result = apex.tool(*arguments, check=False, **details)
    assert result.returncode == 1, result.stdout
    assert apex.contents() == before
    assert list(apex.challenges.iterdir()) == []
    lines = [line for line in result.stdout.splitlines() if AGAIN in line]
    assert len(lines) == 1, result.stdout
    return lines[0]


LIMIT = "too many certificates (5) already issued for this exact set of domains"
BAD_DAYS = {
    "the directory is away": ("/dir", page(503), "answered with status 503"),
    "no nonce": ("/nonce-plz", page(500), "answered with status 500"),
    "no account": (
        "/sign-me-up", problem("externalAccountRequired", "needs a key", 401), '"needs a key"',
    ),
    "too many certificates": ("/order-plz", problem("rateLimited", LIMIT, 429), f'"{LIMIT}"'),
    "the order fails": ("/order-plz", page(500), "answered with status 500"),
    "an order refused": (
        "/order-plz", problem("rejectedIdentifier", "Policy forbids it", 400), "Policy forbids it",
    ),
    "it may not be issued": (
        "/finalize-order", problem("caa", "CAA record prevents issuance", 403), "in the CAA record",
    ),
    "finalizing fails": ("/finalize-order", page(500), "answered with status 500"),
    "the certificate is away": ("/certZ/", page(500), "answered with status 500"),
    "the certificate is garbage": (
        "/certZ/", (200, "application/pem-certificate-chain", b"garbage"), "cannot be used",
    ),
    "the certificate is empty": (
        "/certZ/", (200, "application/pem-certificate-chain", b""), "cannot be used",
    ),
}


@pytest.mark.parametrize("day", BAD_DAYS)
def test_a_refusal_is_told_in_words_and_the_pair_in_use_stays(obstructed, obstacles, day):
    path, answer, words = BAD_DAYS[day]
    obstacles.obstacles[path] = answer
    said = fails(obstructed, "renew", "--force")
    assert words in said and "The one in use is good until 20" in said
    obstructed.wait_until_served()
    obstacles.obstacles.clear()
    obstructed.tool("renew", "--force")


def test_nonces_that_are_refused_more_often_than_uacme_tries_are_no_failure(obstructed, obstacles):
    obstacles.obstacles["/order-plz"] = problem("badNonce", "JWS has an invalid nonce", 400)
    obstacles.times["/order-plz"] = 4
    obstructed.tool("renew", "--force")
    assert obstacles.times["/order-plz"] == 0


def test_what_the_authority_says_cannot_forge_lines_or_colours(enabled, obstacles):
    nasty = 'a\\"b\x1b[31m\nmatrix-wellknownd-acme: all is well'
    obstacles.obstacles["/order-plz"] = problem("rateLimited", nasty, 429)
    result = enabled.tool("enable", directory=obstacles.directory, check=False)
    assert result.returncode == 1
    assert "\x1b" not in result.stdout
    assert not re.search("^matrix-wellknownd-acme: all is well", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("path", ("/dir", "/order-plz", "/finalize-order"))
def test_an_authority_that_hangs_is_left_after_the_time_out(obstructed, obstacles, path):
    obstacles.obstacles[path] = HANG
    said = fails(obstructed, "renew", "--force", "--timeout", "2")
    assert "has kept us waiting for 2 seconds" in said


def test_an_authority_that_cannot_be_reached_is_named(enabled):
    said = fails(enabled, "enable", "example.com", directory="https://localhost:1/dir")
    assert "cannot be reached at https://localhost:1/dir" in said


def test_a_name_that_leads_elsewhere_is_refused_with_advice(apex, pebble):
    apex.serve_ours("elsewhere.example")
    pebble.resolve("elsewhere.example", "127.0.0.9")
    said = fails(apex, "enable", "elsewhere.example")
    assert "port 443 of elsewhere.example must lead to matrix-wellknownd" in said


def test_a_name_that_the_authority_forbids_is_refused_and_the_next_one_served(apex):
    apex.serve_ours("blocked.example", "example.com")
    result = apex.tool("enable", check=False)
    assert result.returncode == 1
    assert "forbidden by policy" in result.stdout and "--directory" in result.stdout
    apex.wait_until_served("example.com")
    assert "blocked.example" not in apex.tool("status").stdout


def test_a_daemon_without_a_folder_for_challenges_is_told_of(apex, tmp_path):
    apex.serve_ours()
    without = tmp_path / "without.conf"
    without.write_text(re.sub("acme_alpn_dir.*", "", apex.daemon.configuration.read_text()))
    result = apex.tool("enable", "example.com", configuration=without, check=False)
    assert result.returncode == 1
    assert f'acme_alpn_dir = "{apex.state}/challenges"' in result.stdout


def test_a_challenge_that_cannot_be_made_is_told_with_the_daemons_words(apex):
    apex.serve_ours()
    with apex.daemon.configuration.open("a") as file:
        file.write('log_format = "json"\n')  # words for people all the same
    apex.challenges.rmdir()
    try:
        result = apex.tool("enable", "example.com", check=False)
    finally:
        apex.challenges.mkdir()
    assert result.returncode == 1
    assert "the challenge cannot be made: " in result.stdout and str(apex.challenges) in result.stdout


def test_a_daemon_that_does_not_run_is_told_of(apex):
    apex.serve_ours().daemon.stop()
    said = fails(apex, "enable", "example.com")
    assert "port 443 of example.com must lead to matrix-wellknownd" in said


def test_an_account_that_the_authority_does_not_know_is_made_anew(enabled):
    (key,) = enabled.state.glob("acme/accounts/*/key.pem")
    enabled.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    enabled.tool("renew", "--force")
    said = enabled.tool("renew", "--force").stdout
    assert "terms of service" not in said, "the account was made once more"
