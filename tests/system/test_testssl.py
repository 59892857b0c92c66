"""testssl.sh finds nothing above LOW with an ECDSA certificate."""

import json
import re
import shutil
import subprocess

import pytest
from harness.daemon import HTTPS, SERVER_OPTION
from harness.waiting import scaled
from harness.wire import request_bytes

# What the tests' own certificate authority leaves out, and what this machine's openssl cannot try
# (`WARN` says that a check could not be made: SSLv3 and RC4 are also tried by testssl's own bytes).
EXCEPTIONS = {"cert_revocation": "Neither CRL nor OCSP URI provided"}
HARMLESS = ("OK", "INFO", "LOW", "DEBUG", "WARN")
# All but client simulations, HTTP headers and every cipher one by one (--fast).
CHECKS = ("-p", "-s", "-f", "-P", "-S", "-U", "--fast")
MUST_BE_OFF = ("SSLv2", "SSLv3", "TLS1", "TLS1_1")
# Named one by one, so that a check that testssl.sh has left out is noticed.
MUST_BE_SAFE = (
    "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS",
    "BREACH", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST",
    "LUCKY13",
)  # fmt: skip


@pytest.fixture(scope="module")
def findings(start_once, authority):
    if not shutil.which("testssl"):
        pytest.skip("testssl.sh is not installed")
    directory = start_once.directory
    pair = authority.issue("localhost")
    daemon = start_once(*SERVER_OPTION, *HTTPS, *pair.options(directory, "testssl"))
    report = directory / "testssl.json"
    done = subprocess.run(
        ["testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "none",
         "--ip", "127.0.0.1", "--add-ca", authority.file, "--jsonfile", report, *CHECKS,
         f"localhost:{daemon.https[0].port}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=scaled(300),
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    return {each["id"]: each for each in json.loads(report.read_text())}


def test_nothing_is_above_low(findings):
    bad = {
        name: (each["severity"], each["finding"])
        for name, each in findings.items()
        if each["severity"] not in HARMLESS and EXCEPTIONS.get(name) != each["finding"]
    }
    assert not bad
    assert "scanProblem" not in findings


@pytest.mark.parametrize("name", MUST_BE_OFF)
def test_old_versions_are_off(findings, name):
    assert findings[name]["finding"].startswith("not offered")


@pytest.mark.parametrize("name", MUST_BE_SAFE)
def test_a_known_attack_does_not_work(findings, name):
    assert findings[name]["severity"] in ("OK", "INFO"), findings[name]


def test_new_versions_and_forward_secrecy_are_on(findings):
    assert findings["TLS1_2"]["finding"] == "offered"
    assert findings["TLS1_3"]["finding"].startswith("offered")
    assert findings["PFS" if "PFS" in findings else "FS"]["severity"] == "OK"


def test_early_data_is_off(start, site, tmp_path):
    port = start(*SERVER_OPTION, *HTTPS, *site.options(tmp_path)).https[0].port
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-ign_eof"],
        input=request_bytes(headers=[("Connection", "close")]),
        capture_output=True, check=False, timeout=scaled(30),
    ).stdout  # fmt: skip
    limits = re.findall(rb"Max Early Data: (\d+)", shown)
    assert limits and set(limits) == {b"0"}, shown
