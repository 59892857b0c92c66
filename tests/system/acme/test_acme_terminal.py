"""What matrix-wellknownd-acme shows on root's terminal: whatever others have to say, it is lines of
printable ASCII, each of which begins with our words."""

import json
import os
import pty
import re
import subprocess

import pytest
from harness.pebble import in_trust_of
from harness.waiting import scaled
from obstacles import directory_of, problem

FORGED = "all is well, type your password"
# A colour, a title and its answer, a cleared screen; C1 forms of the same; text from right to left,
# invisible marks, the end of a line, a backspace, a bell.
EVIL = (
    "x\x1b[31m\x1b]2;title\x07\x1b[21t\x1b[2J\u009b31m\u009d2;title\u009c\u202egnp.exe\u2066\u200f"
    f"\u2028\u2029\ufeff\x08\x7f\x85\r\nmatrix-wellknownd-acme: {FORGED}"
)
RAW = b"x\x1b[31m\x9b31m\xc2\x9b31m\xff\r\nmatrix-wellknownd-acme: " + FORGED.encode() + b"\r\n"


def on_terminal(apex, *command):
    """Runs a command on a terminal of its own; the exit status and the bytes that it has shown."""
    ours, theirs = pty.openpty()
    shown = b""
    with subprocess.Popen(
        in_trust_of(apex.authority.file, *command),
        env=apex.environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:
            pass  # this is how a terminal ends
        os.close(ours)
        status = process.wait(scaled(60))
    print(shown)
    return status, shown


def assert_harmless(shown):
    assert re.fullmatch(rb"([ -~]*\r\n)+", shown), shown
    for line in shown.decode().splitlines():
        assert not line.startswith(f"matrix-wellknownd-acme: {FORGED}"), line


ANSWERS = {
    "the detail of a problem": ("/order-plz", problem("rateLimited", EVIL, 429)),
    "the type of a problem": ("/order-plz", problem(EVIL, "no", 429)),
    "a problem in UTF-8": (
        "/order-plz",
        (400, "application/problem+json",
         json.dumps({"type": "x", "detail": EVIL}, ensure_ascii=False).encode()),
    ),
    "a problem that is no JSON": ("/order-plz", (400, "application/problem+json", RAW)),
    "an order that is no JSON": ("/order-plz", (201, "application/json", RAW)),
    "a directory that is no JSON": ("/dir", (200, "application/json", RAW)),
    "the name of a kind of content": ("/order-plz", (400, "text/\x1b[31mhtml\x9b", b"no")),
    "a certificate": ("/certZ/", (200, "application/pem-certificate-chain", RAW)),
    "an account": ("/sign-me-up", problem("externalAccountRequired", EVIL, 401)),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_authority_shows_nothing_but_text(obstructed, obstacles, answer):
    path, obstacles.obstacles[path] = ANSWERS[answer][0], ANSWERS[answer][1]
    if answer == "an account":
        for key in obstructed.state.glob("acme/accounts/*/key.pem"):
            key.unlink()
    line = obstructed.tool_line("renew", "--force", "example.com")
    (obstructed.state / "acme/enabled/example.com").write_text(obstacles.directory + "\n")
    status, shown = on_terminal(obstructed, *line)
    assert status == 1 and b"no new certificate" in shown
    assert_harmless(shown)


def test_the_address_of_the_terms_of_service_is_text(apex, obstacles):
    apex.serve_ours()
    obstacles.obstacles["/dir"] = directory_of(obstacles, termsOfService=f"https://x/{EVIL}")
    line = apex.tool_line("enable", "example.com", directory=obstacles.directory)
    status, shown = on_terminal(apex, *line)
    assert status == 0 and b"terms of service are taken as accepted: https://x/x" in shown
    assert_harmless(shown)


def odd_commands(apex, odd):
    """Command lines in which the odd text stands in each place, and what is in the way."""
    broken = apex.folder / f"{odd}.conf"
    broken.write_text("nonsense = 1\n")
    return {
        "name": apex.tool_line("enable", odd),
        "wildcard": apex.tool_line("enable", f"*.{odd}"),
        "command": apex.tool_line(odd),
        "option": apex.tool_line("enable", f"--{odd}"),
        "directory": apex.tool_line("enable", directory=odd),
        "URL": apex.tool_line("enable", "example.com", directory=f"https://localhost:1/{odd}"),
        "timeout": apex.tool_line("enable", "--timeout", odd),
        "configuration": apex.tool_line("enable", configuration=broken),
        "state": apex.tool_line("status", "--state", apex.folder / odd),
        "file as state": apex.tool_line("status", "--state", broken),
    }


@pytest.mark.parametrize(
    "place",
    ("name", "wildcard", "command", "option", "directory", "URL", "timeout", "configuration",
     "state", "file as state"),
)
def test_arguments_and_the_names_of_files_are_text(apex, place):
    apex.serve_ours()
    odd = EVIL.replace("/", "")
    status, shown = on_terminal(apex, *odd_commands(apex, odd)[place])
    assert status in (1, 2)
    assert_harmless(shown)


def test_a_folder_with_an_odd_name_is_shown_as_text(enabled):
    """In the status, and in the lines for the configuration."""
    odd = enabled.state.rename(enabled.folder / EVIL.replace("/", ""))
    for command in ("status", "disable"):
        status, shown = on_terminal(enabled, *enabled.tool_line(command, "--state", odd))
        assert status == 0 and b"example.com" in shown
        assert_harmless(shown)
