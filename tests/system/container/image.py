"""The image as the project's own script builds it, unpacked, and run as a container."""

import contextlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from harness.daemon import PROJECT, Daemon, Starter, is_sanitized
from harness.peers import find, libraries, missing
from harness.waiting import eventually, scaled
from run_tree import join_network

RUN_TREE = Path(__file__).with_name("run_tree.py")
MEBIBYTE = 1 << 20


def skip_where_no_image_can_be_built():
    if os.geteuid() != 0:
        pytest.skip("building and running an image needs root")
    if is_sanitized():
        pytest.skip("an image is built without sanitizers, so this would be the same test again")
    if find("buildah") is None:
        pytest.skip(missing("buildah"))


def home_with_policy(directory):
    """A home for an unpacked buildah, which does not bring the policy that it asks for."""
    home = directory / "home"
    folder = home / ".config" / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    policy = {"default": [{"type": "insecureAcceptAnything"}]}
    (folder / "policy.json").write_text(json.dumps(policy))
    return home


def build(directory, target="daemon"):
    """Runs container/build-image; returns its archive."""
    skip_where_no_image_can_be_built()
    home = home_with_policy(directory)
    programs = directory / "programs-on-path"
    programs.mkdir(parents=True, exist_ok=True)
    # An unpacked buildah does not know where its libraries are.
    wrapper = programs / "buildah"
    wrapper.write_text(
        f'#!/bin/sh\nLD_LIBRARY_PATH={libraries()} HOME={home} exec {find("buildah")} "$@"\n'
    )
    wrapper.chmod(0o755)
    result = subprocess.run(
        [PROJECT / "container" / "build-image", directory / "image", target],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(home),
            "BUILDAH_ISOLATION": "chroot",
            "STORAGE_DRIVER": "vfs",
            "MAKEFLAGS": "-j2",
            "SOURCE_DATE_EPOCH": "1700000000",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=scaled(300),
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return Path(result.stdout.splitlines()[-1])


class Image:
    """An image's archive, unpacked: `config` is what it says of itself, `root` its files."""

    def __init__(self, archive, directory):
        self.archive = archive
        self.directory = directory
        with tarfile.open(archive) as outer:
            (manifest,) = json.load(outer.extractfile("manifest.json"))
            self.tags = manifest["RepoTags"]
            self.description = json.load(outer.extractfile(manifest["Config"]))
            self.config = self.description["config"]
            (layer,) = manifest["Layers"]
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                self.files = inner.getmembers()
                self.root = directory / "root"
                self.root.mkdir()
                inner.extractall(self.root, numeric_owner=True)

    @property
    def sbom(self):
        """The SPDX document beside the image."""
        return json.loads(self.archive.with_suffix(".spdx.json").read_text())

    def command(self, *arguments, environment=None, mounts=(), **options):
        """The command line and the environment that run the image with these arguments."""
        line = [sys.executable, RUN_TREE, self.root, "--user", self.config["User"]]
        for name, value in options.items():
            if value is not None:
                line += [f"--{name.replace('_', '-')}", value]
        for folder, path in mounts:
            (self.root / path.lstrip("/")).mkdir(exist_ok=True)
            line += ["--mount", f"{folder}:{path}"]
        variables = dict(entry.split("=", 1) for entry in self.config["Env"])
        line += ["--", *self.config["Entrypoint"], *arguments]
        return list(map(str, line)), {**variables, **(environment or {})}

    def run(self, *arguments, **details):
        """Runs the image to its end."""
        line, environment = self.command(*arguments, **details)
        return subprocess.run(
            line,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=scaled(20),
            check=False,
        )


class Container(Daemon):
    """The image as it runs, its addresses to be used inside its `network()` only."""

    def __init__(self, image, directory, tls, arguments=(), **details):
        self.tls = tls
        self.https, self.http, self.metrics = [], [], []
        self.image = image
        number = len(list(directory.glob("container-*.err")))
        self.error_file = directory / f"container-{number}.err"
        self.output_file = directory / f"container-{number}.out"
        line, environment = image.command(*arguments, **details)
        with self.error_file.open("wb") as error, self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                line, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=error
            )

    @property
    def pid(self):
        """The program's as long as it runs; that of run_tree.py afterwards."""
        parent = self.process.pid
        if self.process.poll() is not None:
            return parent
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(children[0]) if children else parent

    @contextlib.contextmanager
    def network(self):
        """What is opened here, also by new threads, is opened in the container's network."""
        join_network(self.pid)
        try:
            yield
        finally:
            join_network(os.getpid())

    def is_healthy(self):
        """Whether the image's own health check says so."""
        kind, *command = self.image.config["Healthcheck"]["Test"]
        assert kind == "CMD" and command[:1] == self.image.config["Entrypoint"]
        result = self.image.run(
            *command[1:], environment=self.environment, join_network=self.pid
        )
        assert result.returncode in (0, 1), result
        return result.returncode == 0


class ContainerStarter(Starter):
    """Starts containers of one image, and stops them all."""

    def __init__(self, image, directory, tls):
        super().__init__(directory, tls)
        self.image = image

    def without_waiting(self, *arguments, **details):
        container = Container(self.image, self.directory, self.tls, arguments, **details)
        container.environment = details.get("environment")
        self.daemons.append(container)
        return container


@contextlib.contextmanager
def memory_group(limit):
    """A control group whose processes may use `limit` bytes, or None where there can be none."""
    name = f"matrix-wellknownd-test-{os.getpid()}"
    versions = (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    )
    for parent, file in versions:
        folder = parent / name
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if not (folder / file).exists():
                continue
            (folder / file).write_text(str(limit))
            yield folder
            return
        finally:
            eventually(lambda: not (folder / "cgroup.procs").read_text(), "the group to be empty")
            folder.rmdir()
    yield None
