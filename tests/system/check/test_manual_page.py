"""The manual page is in step with the program: options, codes, keys, exit status, examples."""

import json
import re
import subprocess

import pytest
from world import domains
from world.internet import BUILD, PROJECT

PAGE = (PROJECT / "man" / "matrix-delegation-check.1").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r'^\.\\" case: (\w+)\n\.nf\n(.*?)\n\.fi$', PAGE, re.M | re.S))


def plain(text):
    """Text as a reader sees it."""
    text = re.sub(r"\\f[BIR]", "", text)
    return text.replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


def section(title):
    return plain(re.search(rf"^\.SH {title}\n(.*?)^\.SH ", PAGE, re.M | re.S).group(1))


def codes_of_the_program():
    table = (PROJECT / "src/check/findings/findings.c").read_text()
    return re.findall(r'^    \[FINDING_\w+\] =\s*\{\s*"(\w+)"', table, re.M)


def test_every_code_is_explained_and_no_other():
    codes = codes_of_the_program()
    assert re.findall(r"^\.TP\n\.B (\w+)$", section("CODES"), re.M) == codes


def test_every_code_is_met_in_a_case():
    """Those that no test internet can bring about are named here."""
    out_of_reach = {"connection_failed"}
    codes = set(codes_of_the_program())
    met = {each.code for case in domains.CASES.values() for each in case.findings}
    assert codes - met == out_of_reach


def test_every_option_is_explained_and_no_other():
    program = subprocess.run(
        [BUILD / "matrix-delegation-check", "--help"], capture_output=True, text=True, check=True
    )
    pattern = r"(?<![\w-])--?[a-z46V][a-z-]*"
    listed = "\n".join(re.findall(r"^  .*$", program.stdout, re.M))
    in_page = "\n".join(re.findall(r"^\.TP\n(-.*)$", section("OPTIONS"), re.M))
    source = (PROJECT / "src" / "check" / "options.c").read_text()
    accepted = {f"--{name}" for name in re.findall(r'^    \{"([a-z0-9-]+)",', source, re.M)}
    long_options = set(re.findall(r"--[a-z0-9-]+", in_page))
    assert long_options == accepted
    short = r"(?<![\w-])-[a-zA-Z0-9]\b"
    assert set(re.findall(short, in_page)) == set(re.findall(short, listed))
    assert set(re.findall(pattern, listed)) - set(re.findall(short, listed)) <= accepted


def test_every_key_is_explained_and_no_other(internet):
    report = json.loads(internet.check("--json", "step-3-2.example").stdout)
    assert re.findall(r"^\.TP\n\.B (\w+)$", section("JSON"), re.M) == list(report)


def test_every_key_of_the_parts_is_named(internet):
    report = json.loads(internet.check("--json", "step-3-3.example").stdout)
    text = section("JSON")
    parts = [report["well_known"], report["well_known"]["addresses"][0], report["srv"]]
    parts += [report["srv"]["records"][0], report["targets"][0], report["targets"][0]["tls"]]
    parts += [report["targets"][0]["keys"], report["client"]]
    for part in parts:
        for key in part:
            assert re.search(rf"\b{re.escape(key)}\b", text), key


def test_there_are_six_examples():
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_what_a_person_sees(internet, name):
    case = domains.CASES[name]
    arguments = [*case.arguments, case.domain.server_name]
    command = " ".join(["$ matrix-delegation-check", *arguments])
    shown = f"{command}\n{internet.check(*arguments).stdout}".rstrip("\n")
    assert plain(EXAMPLES[name]) == shown.replace(case.domain.name, "example.com")


def test_the_page_has_no_mistakes_for_groff():
    result = subprocess.run(
        ["groff", "-k", "-man", "-Tutf8", "-ww", "-z"],
        input=PAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
