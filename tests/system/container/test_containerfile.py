"""The Containerfile as `docker build` reads it, on Debian's base image made from packages."""

import os
import shutil
import subprocess
import sysconfig

import pytest
from harness.daemon import PROJECT
from harness.peers import find, libraries, missing
from harness.waiting import scaled
from image import home_with_policy, skip_where_no_image_can_be_built

LIBRARIES = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
BASE = "docker.io/library/debian:bookworm-slim"


class Buildah:
    """buildah with a storage of its own, which neither pulls nor sees anything of the machine's."""

    def __init__(self, directory):
        self.directory = directory
        self.home = home_with_policy(directory)

    def __call__(self, *arguments, timeout=60):
        # buildah starts itself again without an environment, so an unpacked one finds its libraries
        # only where all programs look for them: laid over the machine's for it alone.
        folders = ":".join([*libraries().split(":"), LIBRARIES])
        overlay = f"mount -t overlay overlay -o lowerdir={folders} {LIBRARIES}"
        result = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec"]
            + [f'{overlay}; exec "$@"', "buildah", find("buildah")]
            + ["--root", self.directory / "storage", "--runroot", self.directory / "run"]
            + [*arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "BUILDAH_ISOLATION": "chroot",
                "STORAGE_DRIVER": "vfs",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=scaled(timeout),
            check=False,
        )
        assert result.returncode == 0, result.stdout
        return result.stdout.strip()


@pytest.fixture(scope="module")
def buildah(tmp_path_factory):
    """A buildah that has the base image: mmdebstrap's smallest tree stands for Debian's own."""
    skip_where_no_image_can_be_built()
    if shutil.which("mmdebstrap") is None:
        pytest.skip(missing("mmdebstrap"))
    directory = tmp_path_factory.mktemp("docker-build")
    run = Buildah(directory)
    tree = directory / "base.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", tree],
        check=True,
        timeout=scaled(300),
    )
    container = run("from", "scratch")
    run("add", container, tree, "/")
    run("commit", "--quiet", container, BASE)
    tree.unlink()
    return run


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A checkout as it is committed, with nothing that a build left."""
    folder = tmp_path_factory.mktemp("sources")
    archive = subprocess.run(
        ["git", "-C", PROJECT, "archive", "HEAD"], stdout=subprocess.PIPE, check=True
    ).stdout
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)
    return folder


def test_docker_build_makes_both_images(buildah, sources):
    command = ["build", "--pull-never", "--format", "docker", "-f", sources / "container/Containerfile"]
    buildah(*command, "-t", "matrix-wellknownd", sources, timeout=600)
    buildah(*command, "-t", "matrix-wellknownd:tester", "--target", "tester", sources, timeout=600)
    daemon, tester = (
        buildah("from", "--pull-never", f"localhost/matrix-wellknownd:{tag}")
        for tag in ("latest", "tester")
    )
    said = buildah("run", daemon, "--", "/usr/sbin/matrix-wellknownd", "--version")
    assert said.startswith("matrix-wellknownd ")
    said = buildah("run", tester, "--", "/usr/bin/matrix-delegation-check", "--version")
    assert said.startswith("matrix-delegation-check ")
