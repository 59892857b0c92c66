"""Completion in bash: what it offers is what the program takes."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from harness.daemon import PROJECT, run
from harness.waiting import scaled

COMPLETION = PROJECT / "etc" / "matrix-wellknownd.bash-completion"
ASK = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_matrix_wellknownd "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")


def offers(*words, directory=None):
    """What bash offers for the last of these words, which follow the program's name."""
    result = subprocess.run(
        ["bash", "--norc", "-u", "-c", ASK, "bash", COMPLETION, "matrix-wellknownd", *words],
        cwd=directory, capture_output=True, text=True, check=True,
    )
    assert result.stderr == ""
    return result.stdout.split()


def test_every_option_of_the_help_is_offered_and_no_other():
    expected = set(re.findall(r"(?<![\w-])(--?[a-zA-Z][a-z0-9-]*)", help_columns()))
    assert set(offers("-")) == expected


def help_columns():
    """The left columns of --help: each line's options, without its explanation."""
    lines = run("--help").stdout.splitlines()
    options = [line for line in lines if re.match(r" +(-\w, )?--", line)]
    return "\n".join(re.split(" {2,}", line.strip())[0] for line in options)


def test_an_option_is_completed():
    assert offers("--list") == ["--listen", "--listen-http"]
    assert offers("--health") == ["--health-check"]


@pytest.mark.parametrize("option", ("-c", "--config", "-C", "--certificate", "-K", "--key", "--client-extra"))
def test_files_are_offered_where_a_file_is_wanted(option, tmp_path):
    (tmp_path / "site.pem").touch()
    (tmp_path / "other").touch()
    assert offers(option, "si", directory=tmp_path) == ["site.pem"]


@pytest.mark.parametrize(
    ("option", "values"),
    (
        ("--print", ["server", "client", "support", "policy_server"]),
        ("--log-level", ["error", "warning", "info", "debug"]),
        ("--log-format", ["text", "json"]),
    ),
)
def test_the_values_of_an_option_are_offered_and_the_program_takes_them(option, values):
    assert offers(option, "") == values
    for value in values:
        # --nonsense is refused after the value has been taken.
        assert "--nonsense" in run(option, value, "--nonsense").stderr


@pytest.mark.parametrize("option", ("--acme-alpn-dir", "--acme-webroot", "--domains-dir"))
def test_directories_are_offered_where_a_directory_is_wanted(option, tmp_path):
    (tmp_path / "challenges").mkdir()
    (tmp_path / "chaff").touch()
    assert offers(option, "ch", directory=tmp_path) == ["challenges"]


def test_users_are_offered():
    assert "root" in offers("--user", "ro")


def test_a_value_that_only_the_user_knows_is_not_guessed():
    takes_value = set(re.findall(r"(--[a-z0-9-]+) [A-Z]", run("--help").stdout))
    assert {"--server", "--listen", "--max-connections"} <= takes_value
    for option in takes_value | {"-s"}:
        # An option that takes a value is never followed by an option.
        assert not [word for word in offers(option, "") if word.startswith("--")], option
    for option in ("--server", "-s", "--listen", "--max-age", "--domain", "--threads"):
        assert offers(option, "") == []


def test_bash_completes_while_one_types(tmp_path):
    """The same through a terminal, where bash itself takes the words apart."""
    assert typed(tmp_path, "matrix-wellknownd --pr\tcl\t\n") == "--print|client"
    assert typed(tmp_path, "matrix-wellknownd --log-format=j\t\n") == "--log-format=json"
    (tmp_path / "with a blank.pem").touch()
    assert typed(tmp_path, "matrix-wellknownd -C with\t\n") == "-C|with a blank.pem"


def typed(directory, keys):
    """The arguments that the program gets, with | between, when these keys are pressed."""
    script = directory / "rc"
    script.write_text(
        f"source '{COMPLETION}'\n"
        "matrix-wellknownd() { (IFS='|'; echo \"<$*>\"); exit; }\n"
        "PS1='ready> '\nbind 'set bell-style none' 'set enable-bracketed-paste off'\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.environ.update(TERM="dumb", HOME=str(directory), LC_ALL="C.UTF-8")
        os.execlp("bash", "bash", "--noprofile", "--rcfile", "rc", "-i")
    shown, sent = b"", False
    deadline = time.monotonic() + scaled(10)
    try:
        while not (found := re.search(rb"<([^>\n]*)>", shown)):
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 4096)
            if not sent and b"ready> " in shown:
                os.write(terminal, keys.encode())
                sent = True
        return found[1].decode()
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
