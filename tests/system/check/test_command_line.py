"""Options, wrong usage, several names, colours, and what a terminal shows."""

import json
import os
import pty
import re
import subprocess

import pytest
from world.internet import BUILD, DNS, HOME, SILENT

TESTER = BUILD / "matrix-delegation-check"
GOOD = "step-3-2.example"
BAD = "homeserver-refuses.example"
UNKNOWN = "dns-server-fails.example"


def run(*arguments):
    return subprocess.run(
        [TESTER, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "there is no server name: give one"),
        (["--nonsense", "a.example"], "there is no option --nonsense"),
        (["-x", "a.example"], "there is no option -x"),
        (["a.example", "--dns"], "--dns needs a value"),
        (["--dns", "ns.example", "a.example"], "write an IP address"),
        (["--dns", "192.0.2.1:0", "a.example"], "write an IP address"),
        (["--dns", "192.0.2.1:99999", "a.example"], "write an IP address"),
        (["--dns", "[::1", "a.example"], "write an IP address"),
        (["--resolve", "a.example", "a.example"], "write HOST:ADDR"),
        (["--resolve", "a.example:b", "a.example"], "write HOST:ADDR"),
        (["--timeout", "0", "a.example"], "--timeout 0: write whole seconds"),
        (["--timeout", "1.5", "a.example"], "--timeout 1.5: write whole seconds"),
        (["--color", "red", "a.example"], "write auto, always or never"),
        (["-4", "-6", "a.example"], "-4 and -6 leave nothing together"),
        (["https://a.example"], "is a URL"),
        (["a.example/"], "a server name is"),
        (["a..example"], "empty label"),
        (["a" * 64 + ".example"], "63"),
        ([".".join(["abcdefg"] * 40)], "255"),
        (["a.example:0"], "port"),
        (["a.example:65536"], "port"),
        (["999.1.1.1"], "999.1.1.1"),
        (["[::g]"], "::g"),
        (["\x1b[31m"], "\\x1b"),
        (["ü" * 70 + ".example"], "no internationalized name"),
        (["b\udcff.example"], "no internationalized name"),
        ([""], "server name"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_would_be_right(arguments, message):
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("matrix-delegation-check: ")
    assert message in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_that_is_none_is_named(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    result = run("--ca", str(file), "a.example")
    assert result.returncode == 1
    assert f"--ca {file}: " in result.stderr


def test_help_and_version():
    assert "--resolve HOST:ADDR" in run("--help").stdout
    assert re.fullmatch(r"matrix-delegation-check \d+\.\d+\.\d+\n", run("-V").stdout)


@pytest.mark.parametrize(
    "names, status",
    [([GOOD], 0), ([GOOD, BAD], 1), ([GOOD, UNKNOWN], 3), ([UNKNOWN, BAD, GOOD], 1)],
)
def test_several_names_are_told_in_order_and_the_worst_decides(internet, names, status):
    result = internet.check("--json", "--no-client", *names)
    assert result.returncode == status
    told = [json.loads(line)["server_name"] for line in result.stdout.splitlines()]
    assert told == names
    text = internet.check("--no-client", *names).stdout
    assert re.findall(r"^\S+\.example$", text, re.M) == names


def test_a_silent_name_does_not_hold_the_others_up(internet):
    """Twenty silent names take as long as two rounds of them, not as twenty."""
    names = [f"silent{number}.example" for number in range(20)]
    options = [word for name in names for word in ("--resolve", f"{name}:{SILENT}")]
    result = internet.check("--timeout", "1", "-q", "--no-client", *options, GOOD, *names)
    lines = result.stdout.splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("✓ Federation works")


def test_quiet_leaves_the_verdicts(internet):
    result = internet.check("-q", GOOD, BAD)
    assert [line[0] for line in result.stdout.splitlines()] == ["✓", "✗"]


def test_without_a_terminal_there_is_no_colour_unless_asked_for(internet):
    assert "\x1b" not in internet.check(GOOD).stdout
    assert "\x1b[32m✓\x1b[0m" in internet.check("--color", "always", GOOD).stdout


@pytest.mark.parametrize(
    "server", [DNS[0], f"{DNS[0]}:53", DNS[1], f"[{DNS[1]}]", f"[{DNS[1]}]:53"]
)
def test_another_dns_server_can_be_asked(internet, server):
    assert internet.check("-q", "--no-client", "--dns", server, GOOD).returncode == 0


def test_the_next_dns_server_is_asked_where_the_first_is_silent(internet):
    servers = ["--dns", SILENT, "--dns", DNS[0]]
    result = internet.check("-q", "--no-client", "--timeout", "6", *servers, GOOD)
    assert result.returncode == 0


def test_an_address_given_by_hand_takes_the_place_of_dns(internet):
    result = internet.check(
        "--resolve", f"matrix.{BAD}:{HOME[0]}", "--resolve", f"{BAD}:{HOME[0]}", "--json", BAD
    )
    addresses = [each["address"] for each in json.loads(result.stdout)["well_known"]["addresses"]]
    assert addresses == [HOME[0]]


def test_a_server_that_other_servers_trust_is_refused_by_another_ca(internet):
    """Without --ca the system's CAs count, and none of them has signed these."""
    result = internet.check("--json", "--no-client", GOOD, ca=False)
    codes = {each["code"] for each in json.loads(result.stdout)["warnings"]}
    assert "certificate_untrusted" in codes


@pytest.mark.parametrize("option, version", [("-4", "."), ("-6", ":")])
def test_one_family_can_be_chosen(internet, option, version):
    report = json.loads(internet.check(option, "--json", GOOD).stdout)
    addresses = [each["address"] for each in report["targets"] + report["well_known"]["addresses"]]
    assert len(addresses) == 2
    assert all(version in address for address in addresses)


def shown_on_a_terminal(internet, *arguments):
    """All bytes that a terminal would have got."""
    master, slave = pty.openpty()
    words = [TESTER, "--ca", internet.authorities["known"].file, *arguments]
    with subprocess.Popen(
        internet.internet.inside("tester", *words), stdout=slave, stderr=slave, stdin=slave
    ) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        process.wait(60)
    os.close(master)
    return shown.decode()


def test_a_terminal_shows_what_is_being_waited_for_and_wipes_it_out(internet):
    shown = shown_on_a_terminal(
        internet, "--timeout", "3", "-4", "--no-client", "homeserver-is-silent.example"
    )
    assert f"… waiting for {SILENT} port 8448 (" in shown
    lines = [line.split("\r\x1b[K")[-1] for line in shown.replace("\r\n", "\n").split("\n")]
    assert not any("waiting" in line for line in lines)
    assert shown.index("Step 3:") < shown.index(f"waiting for {SILENT}")


def test_what_a_stranger_says_never_steers_the_terminal(internet):
    shown = shown_on_a_terminal(internet, "m-server-has-control-characters.example")
    plain = re.sub(r"\x1b\[3[123]m|\x1b\[0m|\r\x1b\[K", "", shown)
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", plain)
    assert "all is well" in plain  # shown, but on the line of the error
    assert not re.search(r"^✓ all is well", plain, re.M)
