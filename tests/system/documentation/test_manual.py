"""The manual pages say what the program does: every name in one is in the other."""

import re
import shutil
import subprocess

import pytest
from harness.daemon import HTTPS, PLAIN, PROJECT, SERVER_OPTION, run
from harness.wire import CLIENT, SERVER, SUPPORT
from harness.peers import find, missing

DAEMON_PAGE = PROJECT / "man" / "matrix-wellknownd.8"
CONFIGURATION_PAGE = PROJECT / "man" / "matrix-wellknownd.conf.5"
PAGES = tuple(sorted((PROJECT / "man").glob("*.[1-8]")))
COMMANDS = {"test", "print", "health-check", "acme-challenge", "version", "help"}
WIDE = "300"  # columns, so that nothing is broken over two lines


def rendered(page):
    """The page as a reader sees it, without emphasis; skips where nothing can show it."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": WIDE}
    if shutil.which("man"):
        command = ["man", "--no-hyphenation", "--no-justification", "--local-file", page]
    elif find("mandoc"):
        command = [find("mandoc"), "-Tutf8", f"-Owidth={WIDE}", page]
    else:
        pytest.skip("neither man nor mandoc is installed")
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return re.sub(".\b", "", result.stdout)


def section(page, name):
    """The text of one section of a page."""
    return re.search(rf"^{name}\n(.*?)(?=^\S)", rendered(page), re.MULTILINE | re.DOTALL)[1]


def help_options():
    """The long options that --help explains."""
    return set(re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)", run("--help").stdout, re.MULTILINE))


def manual_options():
    """The long options that the manual explains."""
    text = section(DAEMON_PAGE, "OPTIONS")
    return set(re.findall(r"^ {5}(?:-\w, )?--([a-z0-9-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_shows_each_page_without_a_warning(page):
    if not shutil.which("man"):
        pytest.skip("man is not installed")
    shown = subprocess.run(
        ["man", "--warnings", "--local-file", page],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"},
        capture_output=True, text=True, check=True,
    )
    assert shown.stderr == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_finds_no_fault_in_a_page(page):
    if not find("mandoc"):
        pytest.skip(missing("mandoc"))
    found = subprocess.run(
        [find("mandoc"), "-Tlint", page], capture_output=True, text=True, check=False
    ).stdout
    # Pages of programs that are not installed here are no fault, nor are lines of the source as
    # long as the project's others.
    ignored = ("referenced manual not found", "input text line longer than 80 bytes")
    lines = [line for line in found.splitlines() if not any(text in line for text in ignored)]
    assert not lines


def test_every_option_is_in_the_manual_and_no_other():
    assert manual_options() == help_options()


def test_every_letter_stands_with_its_option_in_the_manual():
    pattern = re.compile(r"^ +-(\w), --([a-z0-9-]+)", re.MULTILINE)
    expected = set(pattern.findall(run("--help").stdout))
    assert set(pattern.findall(section(DAEMON_PAGE, "OPTIONS"))) == expected


def test_every_environment_variable_is_in_the_manual_and_no_other():
    expected = {
        (f"MATRIX_WELLKNOWND_{name.upper().replace('-', '_')}", name)
        for name in help_options() - COMMANDS - {"format"}
    }
    text = section(DAEMON_PAGE, "ENVIRONMENT")
    assert set(re.findall(r"^ +(MATRIX_\w+) +--([a-z0-9-]+)", text, re.MULTILINE)) == expected


def test_the_program_knows_every_environment_variable_of_the_manual():
    text = section(DAEMON_PAGE, "ENVIRONMENT")
    free = ("_CONFIG", "_CERTIFICATE", "_KEY", "_USER", "_DIR", "_WEBROOT")  # take any text
    for name in set(re.findall(r"\bMATRIX_WELLKNOWND_\w*[A-Z]\b", text)):
        if not name.endswith(free):
            # No grammar takes this value; the refusal names the variable.
            result = run("--test", environment={name: "\x7f"})
            assert result.returncode == 2 and f"{name}: " in result.stderr, result
        result = run(*SERVER_OPTION, *PLAIN, "--test", environment={name: "true"})
        assert "unknown" not in result.stderr, result


def test_every_number_with_a_default_in_the_help_has_it_in_the_manual():
    joined = re.sub(r"\n {20,}", " ", run("--help").stdout)
    manual = re.sub(r"\n {8,}", " ", section(DAEMON_PAGE, "OPTIONS"))
    defaults = re.findall(r"--([a-z0-9-]+)[^\n]*\(default: (\w+)\)", joined)
    assert ("max-age", "3600") in defaults and ("log-level", "info") in defaults
    for option, value in defaults:
        paragraph = re.search(rf"^ {{5}}(?:-\w, )?--{option}\b.*?\n\n", manual, re.M | re.S)[0]
        assert re.search(rf"Default: {value}\b", paragraph), option


def test_every_metric_is_in_the_manual_and_no_other(start, site, tmp_path):
    daemon = start(
        *SERVER_OPTION, *HTTPS, *PLAIN, "--metrics-listen", "127.0.0.1:0",
        *site.options(tmp_path),
    )
    http = daemon.http[0]
    etag = http.get()["ETag"]
    http.get(headers=[("If-None-Match", etag)])
    for document in (SERVER, CLIENT, SUPPORT, "/.well-known/matrix/policy_server", "/else"):
        http.get(document)
    http.get(method="POST")
    http.get(method="OPTIONS")
    http.get(host="a b")
    metrics = daemon.metrics[0].get("/metrics").body.decode()
    text = section(DAEMON_PAGE, "METRICS")
    names = set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE))
    assert set(re.findall(r"\bmatrix_wellknownd_\w+", text)) == names
    for name, labels in re.findall(r"^(matrix_\w+)\{(.*)\}", metrics, re.MULTILINE):
        keys = re.findall(r'(\w+)="', labels)
        assert f"{name}{{{','.join(keys)}}}" in text
    for value in re.findall(r'(?:document|status|result|reason)="(\w+)"', metrics):
        assert re.search(rf"\b{value}\b", text), value


def test_every_header_of_an_answer_is_in_the_manual(start):
    daemon = start.plain("--domain", "example.com")
    http = daemon.http[0]
    answers = [
        http.get(),
        http.get(headers=[("If-None-Match", "*")]),
        http.get(CLIENT),
        http.get("/else"),
        http.get(host="other.example"),
        http.get(method="OPTIONS"),
        http.get(method="POST"),
        http.get(method="HEAD", version="1.0"),
    ]
    with http.connect() as connection:
        answers.append(connection.request(version="1.0", headers=[("Connection", "keep-alive")]))
        answers.append(connection.request(headers=[("Connection", "close")]))
    text = section(DAEMON_PAGE, "WHAT IT ANSWERS")
    for name, value in {pair for answer in answers for pair in answer.headers}:
        assert re.search(rf"\b{name}\b", text), name
        if name.startswith(("Access-Control-", "X-", "Connection")):
            assert f"{name}: {value}" in text


def test_every_member_of_a_json_log_line_is_in_the_manual(start):
    daemon = start.plain("--access-log", "--log-format", "json")
    daemon.http[0].get()
    line = daemon.wait_for_log(r'"target"')
    text = section(DAEMON_PAGE, "LOGS")
    for name in re.findall(r'"(\w+)":', line + daemon.log):
        assert re.search(rf"\b{name}\b", text), name


LEVELS = {
    "top": "nonsense_key = 1",
    "domain": 'domain "example.com" { nonsense_key = 1 }',
    "support": "support { nonsense_key = 1 }",
    "contact": "support { contact { nonsense_key = 1 } }",
}


def refused(text, directory):
    """What the program says of this configuration, which it must refuse."""
    file = directory / "refused.conf"
    file.write_text(text)
    result = run("--test", "--config", file)
    assert result.returncode == 1, result
    return result.stderr


def known_keys(level, directory):
    """The keys of a level, as the program lists them to who has given an unknown one."""
    return set(re.search(r"there are (.*)", refused(LEVELS[level], directory))[1].split(", "))


def manual_keys(name):
    """The keys that a section of the manual explains, each at the start of a line."""
    text = section(CONFIGURATION_PAGE, name)
    return set(re.findall(r"^ +(\w+) (?:= \S|name \{|\{)", text, re.MULTILINE))


def test_every_key_of_the_top_level_is_in_the_manual_and_no_other(tmp_path):
    text = section(CONFIGURATION_PAGE, "TOP LEVEL")
    anywhere = re.search(r"no section is needed: (.*) can stand at the top level", text)[1]
    listed = set(re.findall(r"\w+", anywhere)) - {"and"}
    assert manual_keys("TOP LEVEL") | listed == known_keys("top", tmp_path)


def test_every_key_of_the_top_level_has_an_option_of_its_name(tmp_path):
    keys = known_keys("top", tmp_path) - {"support"}
    assert {key.replace("_", "-") for key in keys} <= help_options()


def test_every_key_of_a_section_is_in_the_manual_and_no_other(tmp_path):
    expected = set.union(*(known_keys(level, tmp_path) for level in LEVELS if level != "top"))
    assert manual_keys("DOMAIN SECTIONS") - {"domain"} == expected


@pytest.mark.parametrize(
    "key",
    (
        "max_age",
        "max_connections",
        "max_connections_per_ip",
        "request_timeout",
        "keepalive_timeout",
        "threads",
    ),
)
def test_the_limits_of_a_number_are_those_of_the_manual(key, tmp_path):
    text = section(CONFIGURATION_PAGE, "TOP LEVEL")
    paragraph = re.search(rf"^ +{key} = .*\n((?: {{10,}}.*\n)+)", text, re.MULTILINE)[1]
    least, most = re.search(r"\b(\d+) to (\d+)\b", paragraph).groups()
    message = refused(f"{key} = 4000000000", tmp_path)
    assert f"{key}: " in message and f"from {least} to {most}" in message
    refusal = run("--server", "m.example:1", f"--{key.replace('_', '-')}", "4000000000")
    assert f"from {least} to {most}" in refusal.stderr
    paragraph = re.search(
        rf"^ +--{key.replace('_', '-')} .*\n((?: {{10,}}.*\n)+)", section(DAEMON_PAGE, "OPTIONS"), re.M
    )[1]
    assert re.search(rf"\b{most}\b", paragraph)


def examples(page):
    """The configurations that a page shows, in order."""
    source = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", page.read_text(), re.M | re.S)[1]
    return re.findall(r"^\.Bd [^\n]*\n(.*?)^\.Ed", source, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_manual_work(site, tmp_path):
    certificate, key = site.write(tmp_path)
    domains = tmp_path / "domains.d"
    domains.mkdir()
    (domains / "example.org.client.json").write_text('{"io.element.e2ee": {"default": false}}')

    def prepared(text):
        text = re.sub(r'"/etc/letsencrypt/live/[^"]*/fullchain.pem"', f'"{certificate}"', text)
        text = re.sub(r'"/etc/letsencrypt/live/[^"]*/privkey.pem"', f'"{key}"', text)
        return text.replace("/etc/matrix-wellknownd/domains.d", str(domains))

    one, several, in_folder, proxied = map(prepared, examples(CONFIGURATION_PAGE))
    (domains / "example.org.conf").write_text(in_folder)
    file = tmp_path / "example.conf"
    for text in (one, several, proxied):
        file.write_text(text)
        result = run("--test", "--config", file)
        assert result.returncode == 0, (text, result)


def test_the_sample_configuration_shows_every_key_and_no_other(tmp_path):
    sample = (PROJECT / "etc" / "matrix-wellknownd.conf").read_text()
    keys = set(re.findall(r"^[ #]*(\w+) += ", sample, re.MULTILINE))
    keys |= set(re.findall(r"\b(\w+) += \"", sample))  # in a contact, several stand on a line
    sections = set(re.findall(r"^[ #]*(\w+)(?: \"[^\"]*\")? \{", sample, re.MULTILINE))
    expected = set.union(*(known_keys(level, tmp_path) for level in LEVELS))
    assert keys | sections == expected
