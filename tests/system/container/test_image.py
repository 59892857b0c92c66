"""What is in the image, and what it says of itself."""

import os
import re
import stat
import subprocess

from harness.daemon import PROJECT
from image import Image, build

VERSION = re.search(r"AC_INIT\(\[[^]]*\], \[([^]]*)\]", (PROJECT / "configure.ac").read_text())[1]
LARGEST = 14_000_000
# All that may be in the image; the program and the loader are the only things to be run.
KNOWN = re.compile(
    r"usr/sbin/matrix-wellknownd"
    r"|(usr/)?lib(64)?/([\w-]+/)?(lib[\w.+-]+|ld-linux[\w-]*)\.so\.[\d.]+"
    r"|etc/(passwd|group)"
    r"|usr/share/doc/[\w.+-]+/copyright"
)


def files_of(image):
    return [entry for entry in image.files if not entry.isdir()]


def test_the_same_sources_make_the_same_image_byte_for_byte(image, tmp_path):
    again = build(tmp_path)
    assert again.read_bytes() == image.archive.read_bytes()
    sbom = again.with_suffix(".spdx.json").read_bytes()
    assert sbom == image.archive.with_suffix(".spdx.json").read_bytes()


def test_it_is_small(image):
    assert sum(entry.size for entry in image.files) <= LARGEST


def test_nothing_is_in_it_but_the_program_and_what_that_needs(image):
    names = [entry.name for entry in files_of(image)]
    assert [name for name in names if not KNOWN.fullmatch(name)] == []
    assert "usr/sbin/matrix-wellknownd" in names
    runnable = [name for name in names if not name.endswith("/copyright") and "/lib" not in name]
    assert not any(name.endswith(("sh", "busybox", "env")) for name in runnable)
    assert not any("ca-certificates" in name for name in names)


def test_no_file_of_it_gives_anybody_anything(image):
    for entry in image.files:
        assert entry.isdir() or entry.isreg(), entry.name
        assert (entry.uid, entry.gid) == (0, 0), entry.name
        assert not entry.mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH), entry
        assert entry.mode & stat.S_IROTH, f"{entry.name} is unreadable to the daemon"
        assert not any("xattr" in header for header in entry.pax_headers), entry.name


def test_its_user_is_the_only_one_and_unprivileged(image):
    (line,) = (image.root / "etc" / "passwd").read_text().splitlines()
    name, _, uid, gid, *_ = line.split(":")
    assert name == "matrix-wellknownd" and int(uid) > 0 and int(gid) > 0
    # A number, so that Kubernetes can see that it is not root.
    assert image.config["User"] == f"{uid}:{gid}"


def test_what_it_says_of_itself(image):
    assert image.tags == [f"matrix-wellknownd:{VERSION}"]
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    for name in ("title", "description", "licenses", "vendor"):
        assert labels[f"org.opencontainers.image.{name}"]
    assert set(image.config["ExposedPorts"]) == {"8080/tcp", "8443/tcp"}
    assert image.config["Entrypoint"] == ["/usr/sbin/matrix-wellknownd"]
    assert not image.config["Cmd"]
    assert "MATRIX_WELLKNOWND_LISTEN_HTTP=[::]:8080" in image.config["Env"]
    assert image.config["Healthcheck"]["Test"][-1] == "--health-check"


def test_its_dates_are_the_sources(image):
    assert image.description["created"] == "2023-11-14T22:13:20Z"  # 1700000000
    assert {entry.mtime for entry in image.files} == {1700000000}


def test_the_bill_of_materials_names_every_package_and_its_version(image):
    sbom = image.sbom
    assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["dataLicense"] == "CC0-1.0"
    assert sbom["SPDXID"] == "SPDXRef-DOCUMENT"
    assert sbom["documentNamespace"].startswith("https://")
    assert sbom["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    assert all(re.match(r"(Tool|Person|Organization): ", who)
               for who in sbom["creationInfo"]["creators"])
    identifiers = [package["SPDXID"] for package in sbom["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    for package in sbom["packages"]:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"])
        assert package["name"] and package["versionInfo"] and package["downloadLocation"]
    versions = {package["name"]: package["versionInfo"] for package in sbom["packages"]}
    assert versions.pop("matrix-wellknownd") == VERSION
    documented = {path.parent.name for path in image.root.glob("usr/share/doc/*/copyright")}
    assert set(versions) == documented - {"matrix-wellknownd"}
    for name, version in versions.items():
        query = ["dpkg-query", "--show", "--showformat", "${Version}\n", name]
        installed = subprocess.run(query, capture_output=True, text=True, check=True).stdout
        assert version in installed.splitlines(), name
    related = {one["relatedSpdxElement"] for one in sbom["relationships"]}
    assert related == set(identifiers)


def test_every_library_is_from_a_package_that_the_bill_names(image):
    named = {package["name"] for package in image.sbom["packages"]}
    for entry in files_of(image):
        if ".so." in entry.name:
            paths = (f"/{entry.name}", f"/usr/{entry.name}", os.path.realpath(f"/{entry.name}"))
            query = subprocess.run(
                ["dpkg-query", "--search", *paths], capture_output=True, text=True, check=False
            )
            owners = {line.split(":")[0] for line in query.stdout.splitlines()}
            assert owners & named, entry.name


def test_the_variant_has_the_tester_and_authorities_to_trust(image, tmp_path):
    # In the same directory, so that only the tester itself has to be compiled.
    image = Image(build(image.directory, "tester"), tmp_path)
    assert image.tags == [f"matrix-wellknownd:{VERSION}-tester"]
    assert b"BEGIN CERTIFICATE" in (image.root / "etc/ssl/certs/ca-certificates.crt").read_bytes()
    image.config["Entrypoint"] = ["/usr/bin/matrix-delegation-check"]
    result = image.run("--version")
    assert result.returncode == 0 and VERSION in result.stdout, result
    names = {package["name"] for package in image.sbom["packages"]}
    assert {"matrix-delegation-check", "ca-certificates"} <= names
