"""The Debian packages of these sources, and the Debian that they are installed on."""

import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from harness.daemon import PROJECT

BUILD = Path(os.environ.get("BUILD_DIRECTORY", PROJECT / "build")).absolute()
CACHE = PROJECT / "build" / "debian"
# In the tree: systemd, the judge of AppArmor profiles, what debian/tests needs, and what our
# packages depend on.
BESIDE_DEPENDENCIES = ("systemd", "systemd-sysv", "apparmor", "apt", "curl", "openssl", "uacme")


def run(*command, **details):
    """Runs a command; where it fails, so does the test, with what it wrote."""
    result = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        check=False,
        **details,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-8000:]}"
    return result.stdout


def needed(*programs):
    """Skips the test where one of these programs is not installed."""
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            pytest.skip(f"{program} is not there: ./quickstart --check installs it")


class Packages:
    """The source package and the binary packages of one build, in a folder of their own."""

    def __init__(self, folder, tarball):
        version = tarball.name.removeprefix("matrix-wellknownd-").removesuffix(".tar.xz")
        self.folder = folder
        self.sources = folder / f"matrix-wellknownd-{version}"
        if self.sources.exists():
            return
        self.folder.mkdir(parents=True)
        shutil.copy(tarball, folder / f"matrix-wellknownd_{version}.orig.tar.xz")
        run("tar", "--extract", "--file", tarball, "--directory", folder)
        generated = shutil.ignore_patterns("matrix-wellknownd.service", "files", "*.substvars")
        shutil.copytree(PROJECT / "debian", self.sources / "debian", ignore=generated)

    def start_build(self, **environment):
        """Starts building; a process to wait for."""
        # Unit tests are run elsewhere, and a build in a test leaves a core for the other one.
        options = {"DEB_BUILD_OPTIONS": "nocheck parallel=1", "PATH": os.environ["PATH"]}
        with (self.folder / "build.log").open("wb") as log:
            return subprocess.Popen(
                ["dpkg-buildpackage", "--unsigned-source", "--unsigned-changes"],
                cwd=self.sources,
                env={**options, "HOME": "/nonexistent", **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self):
        return (self.folder / "build.log").read_text(errors="backslashreplace")

    @property
    def all(self):
        return sorted(self.folder.glob("*.deb"))

    @property
    def changes(self):
        (file,) = self.folder.glob("*.changes")
        return file

    def __getitem__(self, name):
        """The file of the binary package of this name."""
        (file,) = self.folder.glob(f"{name}_*.deb")
        return file

    def previous(self, name):
        """The same package, called an earlier version."""
        unpacked = self.folder / "previous"
        shutil.rmtree(unpacked, ignore_errors=True)
        run("dpkg-deb", "--raw-extract", self[name], unpacked)
        control = unpacked / "DEBIAN" / "control"
        text = control.read_text()
        control.write_text(text.replace("\nVersion: ", "\nVersion: 0~before+", 1))
        file = self.folder / f"previous-{name}.deb"
        run("dpkg-deb", "--root-owner-group", "--build", unpacked, file)
        return file


def digest_of(folder):
    """What a folder of sources holds, in few characters."""
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        digest.update(f"{file.relative_to(folder)} {file.stat().st_mode & 0o111}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def build_twice(folder):
    """Two builds at the same time under different circumstances; those of the same sources are kept
    for the next time."""
    tarball = make_tarball()
    sources = Packages(folder, tarball).sources
    kept = CACHE / f"packages-{digest_of(sources)}"
    places = (kept / "first", kept / "another" / "folder" / "second")
    if not (kept / "complete").exists():
        for old in CACHE.glob("packages-*"):
            shutil.rmtree(old)
        first, second = (Packages(place, tarball) for place in places)
        processes = (
            first.start_build(),
            second.start_build(TZ="Pacific/Kiritimati", LC_ALL="C.UTF-8", USER="somebody"),
        )
        statuses = [process.wait() for process in processes]
        assert statuses == [0, 0], first.log[-8000:] + second.log[-8000:]
        (kept / "complete").touch()
    return tuple(Packages(place, tarball) for place in places)


def make_tarball():
    """`make dist`, from the build directory of the program under test."""
    run("make", "-C", BUILD, "--no-print-directory", "dist")
    (tarball,) = BUILD.glob("matrix-wellknownd-*.tar.xz")
    return tarball


def dependencies(files):
    """The names of the packages that these package files depend on, alternatives left out."""
    fields = ",".join(run("dpkg-deb", "--field", file, "Depends") for file in files).split(",")
    names = {item.split("|")[0].split("(")[0].strip() for item in fields}
    return sorted(name for name in names if name)


def sources_of_this_machine():
    """apt's lines for the Debian that this machine is, or None where it is no Debian."""
    if not shutil.which("apt-get"):
        return None, []
    facts = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    if facts.get("ID") != "debian" or "VERSION_CODENAME" not in facts:
        return None, []
    codename = facts["VERSION_CODENAME"].strip('"')
    known = run(
        *("apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI) $(COMPONENT)"),
        "Created-By: Packages",
    )
    lines = []
    for line in known.splitlines():
        origin, suite, *place = line.split()
        if origin == "Debian" and suite.split("-")[0] == codename and len(place) == 2:
            lines.append(f"deb {place[0]} {suite} {place[1]}")
    return codename, sorted(set(lines))


def base_tree(files):
    """A folder with a Debian that has what these packages depend on; made once, and kept."""
    codename, sources = sources_of_this_machine()
    if not sources:
        pytest.skip("this is no Debian: its packages cannot be built here for one")
    include = ",".join(sorted({*BESIDE_DEPENDENCIES, *dependencies(files)} - {"libc6"}))
    label = hashlib.sha256("\n".join([include, *sources]).encode()).hexdigest()[:12]
    tree = CACHE / f"{codename}-{label}"
    if not tree.exists():
        needed("mmdebstrap")
        for old in CACHE.glob(f"{codename}-*"):
            shutil.rmtree(old)
        unfinished = CACHE / "unfinished"
        CACHE.mkdir(parents=True, exist_ok=True)
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
        fetch(
            unfinished,
            *("mmdebstrap", "--mode=root", "--variant=apt", "--format=directory"),
            *(f"--include={include}", *left_out, '--aptopt=Acquire::Languages "none"'),
            *(codename, unfinished, *sources),
        )
        unfinished.rename(tree)
    return tree


def fetch(folder, *command):
    """Runs what fills a folder from the mirror. Where that cannot be reached, after some time and
    again some time later, the test is skipped: it says nothing of the packages."""
    for pause in (10, 30, None):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            return run(*command)
        except AssertionError as problem:
            if not re.search(r"Temporary failure|Failed to fetch|Could not connect", str(problem)):
                raise
        if pause is None:
            pytest.skip("the mirror of Debian's packages cannot be reached: no tree to boot")
        time.sleep(pause)
