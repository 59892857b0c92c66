"""The tester and OpenSSL agree on which chains are good."""

import re
import shutil
import subprocess

import pytest
from world import domains
from world.authority import CHAINS

CASES = {
    case.domain.home.issue["flaw"]: case
    for case in domains.CASES.values()
    if case.domain.home.issue.get("flaw") in CHAINS
}


def test_every_chain_is_a_case():
    assert set(CASES) == set(CHAINS)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
@pytest.mark.parametrize("flaw", CHAINS)
def test_openssl_accepts_what_the_tester_accepts(internet, tmp_path, flaw):
    authority = internet.authorities["known"]
    chain, _key = authority.issue("matrix.example.com", flaw=flaw)
    certificates = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", open(chain).read(), re.S)
    leaf, rest = tmp_path / "leaf.pem", tmp_path / "rest.pem"
    leaf.write_text(certificates[0])
    rest.write_text("".join(certificates[1:]))
    verified = subprocess.run(
        ["openssl", "verify", "-purpose", "sslserver", "-CAfile", authority.file]
        + ["-untrusted", rest, leaf],
        capture_output=True,
        check=False,
    )
    run, _report = internet.report(CASES[flaw].name)
    assert (verified.returncode == 0) is (run.returncode == 0)
