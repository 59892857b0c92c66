"""The manual and the completion of matrix-wellknownd-acme say what it does."""

import re
import subprocess

import pytest
from harness.daemon import BINARY, PROJECT, environment_of
from test_manual import section

TOOL = BINARY.parent / "matrix-wellknownd-acme"
PAGE = PROJECT / "man" / "matrix-wellknownd-acme.8"
COMPLETION = PROJECT / "etc" / "matrix-wellknownd-acme.bash-completion"
COMMANDS = ("enable", "renew", "disable", "status")
ASK = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_matrix_wellknownd_acme "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def said(*arguments):
    """What the command prints."""
    return subprocess.run(
        [TOOL, *arguments], env=environment_of(), capture_output=True, text=True, check=True
    ).stdout


def offers(*words):
    """What bash offers for the last of these words, which follow the command's name."""
    result = subprocess.run(
        ["bash", "--norc", "-u", "-c", ASK, "bash", COMPLETION, "matrix-wellknownd-acme", *words],
        capture_output=True, text=True, check=True,
    )
    assert result.stderr == ""
    return result.stdout.split()


def help_options():
    """The options that --help explains: letters and words."""
    lines = re.findall(r"^  +(-\w, )?(--[a-z-]+)", said("--help"), re.MULTILINE)
    return {word for letter, word in lines} | {letter[:2] for letter, _ in lines if letter}


def test_every_option_is_in_the_manual_and_no_other():
    text = section(PAGE, "OPTIONS")
    lines = re.findall(r"^ {5}(-\w, )?(--[a-z-]+)", text, re.MULTILINE)
    options = {word for _, word in lines} | {letter[:2] for letter, _ in lines if letter}
    assert options == help_options()


def test_every_command_is_in_the_manual_and_no_other():
    explained = re.findall(r"^ {5}([a-z]+)(?: \[name| {2}|$)", section(PAGE, "DESCRIPTION"), re.MULTILINE)
    assert tuple(explained) == COMMANDS
    assert tuple(re.findall(r"^  ([a-z]+)  ", said("--help"), re.MULTILINE)) == COMMANDS


def test_every_option_and_command_is_offered_and_no_other():
    assert set(offers("")) == help_options() | set(COMMANDS)
    assert set(offers("enable", "-")) == help_options()


@pytest.mark.parametrize("option", ("--email", "--directory", "--timeout"))
def test_a_value_that_only_the_user_knows_is_not_guessed(option):
    assert offers("enable", option, "") == []


def test_the_configuration_of_the_manual_is_what_the_command_needs(tmp_path):
    source = re.search(r"^\.Sh CONFIGURATION.*?^\.Bd [^\n]*\n(.*?)^\.Ed", PAGE.read_text(), re.M | re.S)
    (tmp_path / "challenges").mkdir()
    file = tmp_path / "example.conf"
    file.write_text(source[1].replace("/var/lib/matrix-wellknownd", str(tmp_path)))
    result = subprocess.run(
        [BINARY, "--test", "--config", file], env=environment_of(), capture_output=True, text=True,
        check=True,
    )
    assert f"tls-alpn-01 from {tmp_path}/challenges" in result.stdout
    assert f"{tmp_path}/certificates/example.com/fullchain.pem" in result.stdout
