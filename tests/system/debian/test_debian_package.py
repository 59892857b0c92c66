"""The packages as files: what lintian says, and whether anybody gets the same ones."""

import hashlib
import re

from debian_packages import run


def digests(packages):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in packages.all}


def test_two_builds_give_the_same_packages(builds):
    first, second = builds
    assert {name.split("_")[0] for name in digests(first)} >= {
        "matrix-wellknownd", "matrix-delegation-check",
    }
    assert digests(first) == digests(second)


def test_lintian_finds_nothing(packages):
    said = run("lintian", "--allow-root", "--pedantic", "--fail-on=none", packages.changes)
    assert not said.strip()


def test_the_programs_are_hardened(packages):
    unpacked = packages.folder / "unpacked"
    for package, program in (
        ("matrix-wellknownd", "usr/sbin/matrix-wellknownd"),
        ("matrix-delegation-check", "usr/bin/matrix-delegation-check"),
    ):
        run("dpkg-deb", "--extract", packages[package], unpacked)
        facts = run("readelf", "--wide", "--all", unpacked / program)
        assert re.search(r"Type:\s+DYN", facts)
        assert "BIND_NOW" in facts and "GNU_RELRO" in facts
        assert "__stack_chk_fail" in facts and re.search(r"__\w+_chk\b", facts)


def test_every_compiler_call_has_the_flags_of_debian(packages):
    lines = [line for line in packages.log.splitlines() if re.match(r"(libtool: )?gcc .* -c ", line)]
    assert lines, "the build's log has no compiler calls"
    for line in lines:
        assert "-D_FORTIFY_SOURCE=2" in line and "-fstack-protector-strong" in line, line
