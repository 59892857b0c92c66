"""The README says what is there: its examples, its options, its links, its messages."""

import re
import subprocess
import urllib.parse

import pytest
from harness.daemon import BINARY, PROJECT, run

TOOL = BINARY.parent / "matrix-wellknownd-acme"
README = (PROJECT / "README.md").read_text()
EXAMPLES = sorted((PROJECT / "etc" / "examples").iterdir())


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_each_example_is_shown_as_it_is(file):
    blocks = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert file.read_text() in blocks
    assert f"(etc/examples/{file.name})" in README


def test_every_option_that_is_shown_is_one():
    tool = subprocess.run([TOOL, "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"--[a-z][a-z-]*", run("--help").stdout + tool.stdout))
    # quickstart's, systemctl's, configure's, docker's
    elsewhere = {"--check", "--now", "--sysconfdir", "--localstatedir", "--read-only", "--cap-drop"}
    # certbot's, dehydrated's, dpkg-reconfigure's
    elsewhere |= {"--webroot", "--register", "--accept-terms", "--cron", "--priority"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) <= known | elsewhere


def test_every_link_leads_somewhere():
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif not urllib.parse.urlparse(target).scheme:
            assert (PROJECT / target).exists(), target


def test_the_message_that_is_shown_is_the_programs(tmp_path):
    (shown,) = re.findall(r"^(matrix-wellknownd: .*)\n", README, re.MULTILINE)
    file = tmp_path / "test.conf"
    file.write_text('listen_http = "127.0.0.1:0"\nserver = "https://matrix.example.com"\n')
    result = run("--test", "--config", "test.conf", cwd=tmp_path)
    assert result.stderr == shown + "\n"


def commands(program):
    """The program's command lines in code blocks, continued lines joined."""
    joined = README.replace("\\\n", " ")
    return re.findall(rf"^(?:sudo )?({program} --.*)$", joined, re.MULTILINE)


def test_every_command_line_of_the_daemon_works(site, tmp_path):
    certificate, key = site.write(tmp_path)
    sample = PROJECT / "etc" / "matrix-wellknownd.conf"
    configuration = tmp_path / "matrix-wellknownd.conf"
    configuration.write_text(replace_paths(sample.read_text(), certificate, key))
    lines = commands("matrix-wellknownd")
    assert len(lines) == 3
    for line in lines:
        line = replace_paths(line, certificate, key)
        line = line.replace("/etc/matrix-wellknownd/matrix-wellknownd.conf", str(configuration))
        result = run("--test", *line.split()[1:])
        assert result.returncode == 0, (line, result)


def replace_paths(text, certificate, key):
    live = "/etc/letsencrypt/live/example.com"
    text = text.replace(f"{live}/fullchain.pem", str(certificate))
    return text.replace(f"{live}/privkey.pem", str(key))
