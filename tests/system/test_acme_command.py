"""--acme-challenge: certificates for tls-alpn-01, made for the hooks of ACME clients."""

import base64
import os
import shutil
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID
from harness.challenges import ACME_IDENTIFIER, KEY_AUTHORIZATION, asking, digest
from harness.daemon import BINARY, HTTPS, SERVER_OPTION, is_sanitized, run
from harness.faults import fault_library
from harness.waiting import scaled

DIGEST_OPTION = base64.urlsafe_b64encode(digest()).decode().rstrip("=")


@pytest.fixture
def challenges(tmp_path):
    directory = tmp_path / "challenges"
    directory.mkdir()
    return directory


def make(directory, name="example.com", key_authorization=KEY_AUTHORIZATION, **details):
    return run("--acme-alpn-dir", directory, "--acme-challenge", name, key_authorization, **details)


def certificate_of(directory, name="example.com"):
    return x509.load_pem_x509_certificate((directory / f"{name}.crt.pem").read_bytes())


def identifier_of(certificate):
    return certificate.extensions.get_extension_for_oid(ACME_IDENTIFIER)


def test_the_certificate_is_what_rfc_8737_asks_for(challenges):
    assert make(challenges).returncode == 0
    certificate = certificate_of(challenges)
    names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    assert list(names.value) == [x509.DNSName("example.com")]
    identifier = identifier_of(certificate)
    assert identifier.critical and identifier.value.value == b"\x04\x20" + digest()
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)
    assert certificate.issuer == certificate.subject
    certificate.public_key().verify(
        certificate.signature,
        certificate.tbs_certificate_bytes,
        ec.ECDSA(certificate.signature_hash_algorithm),
    )


def test_the_daemon_serves_it(start, site, challenges, tmp_path):
    daemon = start(
        *SERVER_OPTION, *HTTPS, *site.options(tmp_path), "--acme-alpn-dir", challenges
    )
    assert make(challenges).returncode == 0
    with daemon.https[0].connect("example.com", asking()) as connection:
        served = x509.load_der_x509_certificate(connection.stream.getpeercert(binary_form=True))
    assert served == certificate_of(challenges)


def test_uacmes_digest_will_do_in_place_of_the_key_authorization(challenges):
    assert len(DIGEST_OPTION) == 43
    assert make(challenges, key_authorization=DIGEST_OPTION).returncode == 0
    assert identifier_of(certificate_of(challenges)).value.value == b"\x04\x20" + digest()


@pytest.mark.parametrize("given", ("-a.b", "--help.b", "-.-", "_._"))
def test_a_key_authorization_may_begin_with_a_hyphen(challenges, given):
    assert make(challenges, key_authorization=given).returncode == 0
    assert identifier_of(certificate_of(challenges)).value.value == b"\x04\x20" + digest(given)


def test_the_directory_may_come_from_the_configuration_or_the_environment(challenges, tmp_path):
    line = ("--acme-challenge", "example.com", KEY_AUTHORIZATION)
    file = tmp_path / "test.conf"
    file.write_text('server = "m.example:1"\nacme_alpn_dir = "challenges"\n')
    assert run(*line, "--config", file).returncode == 0
    first = certificate_of(challenges)
    variables = {"MATRIX_WELLKNOWND_ACME_ALPN_DIR": str(challenges)}
    assert run(*line, environment=variables).returncode == 0
    assert certificate_of(challenges) != first
    file.write_text('server = "m.example:1"\n')
    nowhere = run(*line, "--config", file)
    assert nowhere.returncode == 2 and "acme_alpn_dir" in nowhere.stderr


def test_the_name_is_filed_in_lower_case_without_a_trailing_dot(challenges):
    assert make(challenges, "EXAMPLE.com.").returncode == 0
    assert sorted(os.listdir(challenges)) == ["example.com.crt.pem", "example.com.key.pem"]


@pytest.mark.parametrize(
    "name", ("", ".", "..", "../example.com", "a/b", "a b", "*.example.com", "a..b", "a" * 300)
)
def test_what_is_no_host_name_is_refused(challenges, name):
    refused = make(challenges, name)
    assert refused.returncode == 1 and "host name" in refused.stderr
    assert os.listdir(challenges) == [] and len(os.listdir(challenges.parent)) == 1


@pytest.mark.parametrize("given", ("", ".", "a", "a.", ".b", "a.b.c", "a b.c", "a+b.c", "a" * 42))
def test_what_is_no_key_authorization_is_refused(challenges, given):
    refused = make(challenges, key_authorization=given)
    assert refused.returncode == 1 and "key authorization" in refused.stderr
    assert os.listdir(challenges) == []


def test_both_values_are_needed():
    refused = run("--acme-challenge", "example.com")
    assert refused.returncode == 2 and "KEY_AUTHORIZATION" in refused.stderr


def test_a_directory_that_is_not_there_is_not_made(tmp_path):
    refused = make(tmp_path / "nowhere")
    assert refused.returncode == 1 and str(tmp_path / "nowhere") in refused.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(("directory", "expected"), ((0o700, 0o600), (0o750, 0o640)))
def test_who_may_read_the_directory_as_its_group_may_read_the_key(challenges, directory, expected):
    challenges.chmod(directory)
    assert make(challenges).returncode == 0
    for file in challenges.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files away")
def test_the_files_get_the_group_of_the_directory(challenges):
    os.chown(challenges, 0, 65534)
    assert make(challenges).returncode == 0
    assert {file.stat().st_gid for file in challenges.iterdir()} == {65534}


# A file system of 8 pages, of which the last lack, with an old pair in it.
FULL_DISK = """
set -e
mount -t tmpfs -o size=32k none "$1"
"$2" --acme-alpn-dir "$1" --acme-challenge example.com old.old
cp "$1"/* "$3"
dd if=/dev/zero of="$1/filler" bs=4k count="$4" status=none || true
status=0
"$2" --acme-alpn-dir "$1" --acme-challenge example.com new.new || status=$?
rm "$1/filler"
cmp "$1/example.com.crt.pem" "$3/example.com.crt.pem"
cmp "$1/example.com.key.pem" "$3/example.com.key.pem"
ls -A "$1"
exit "$status"
"""


def has_namespaces():
    line = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return shutil.which("unshare") and subprocess.run(line, check=False).returncode == 0


@pytest.mark.skipif(not has_namespaces(), reason="user namespaces are not available")
@pytest.mark.parametrize("pages", (5, 6))
def test_a_full_disk_leaves_the_old_pair_and_nothing_else(challenges, tmp_path, pages):
    """Of the new pair, nothing fits, or the key alone."""
    (tmp_path / "copy").mkdir()
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", FULL_DISK, "sh"]
        + [challenges, BINARY, tmp_path / "copy", str(pages)],
        capture_output=True, text=True, timeout=scaled(20), check=False,
    )
    assert done.returncode == 1, done
    assert "No space left on device" in done.stderr
    assert done.stdout.split() == ["example.com.crt.pem", "example.com.key.pem"]


@pytest.fixture(scope="module")
def failing_rename(tmp_path_factory):
    """The environment in which these calls of rename(2), by their numbers, fail."""
    library = fault_library("rename", tmp_path_factory.mktemp("rename"))
    return lambda calls, **more: {"LD_PRELOAD": str(library), "RENAME_FAILS": calls, **more}


def contents(directory):
    return {file.name: file.read_bytes() for file in directory.iterdir()}


needs_preload = pytest.mark.skipif(
    not shutil.which("gcc") or is_sanitized(), reason="needs gcc, and no sanitizer"
)


@needs_preload
@pytest.mark.parametrize(
    ("calls", "more"), (("1", {}), ("2", {}), ("2", {"LINK_FAILS": "1"}), ("3", {"LINK_FAILS": "1"}))
)
def test_a_rename_that_fails_leaves_the_old_pair_or_none(challenges, failing_rename, calls, more):
    """Where the file system has no links, the old key is renamed first."""
    environment = failing_rename(calls, **more)
    if not more:
        assert make(challenges, environment=environment).returncode == 1
        assert contents(challenges) == {}
    assert make(challenges).returncode == 0
    before = contents(challenges)
    failed = make(challenges, environment=environment)
    assert failed.returncode == 1 and "Input/output error" in failed.stderr
    assert contents(challenges) == before
    assert make(challenges).returncode == 0
    assert len(contents(challenges)) == 2


@needs_preload
def test_an_old_key_that_cannot_be_put_back_is_told(challenges, failing_rename):
    assert make(challenges).returncode == 0
    failed = make(challenges, environment=failing_rename("2,3"))
    assert failed.returncode == 1
    assert "does not belong to the certificate now" in failed.stderr
    assert make(challenges).returncode == 0
    assert len(contents(challenges)) == 2
