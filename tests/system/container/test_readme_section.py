"""The README's section on containers shows what the other tests here have tried."""

import re
import shlex

from harness.daemon import PROJECT
from harness.wire import CLIENT

README = (PROJECT / "README.md").read_text()
SECTION = README.partition("### In a container\n")[2].partition("\n## ")[0]


def command_line(beginning):
    (line,) = re.findall(rf"^{beginning} .*$", SECTION, re.MULTILINE)
    return shlex.split(line)


def test_docker_run_as_shown_serves_the_documents(image, container):
    line = command_line("docker run")
    assert line[-1] in image.tags
    variables = [value for option, value in zip(line, line[1:]) if option == "-e"]
    running = container(environment=dict(variable.split("=", 1) for variable in variables))
    (published,) = [value for option, value in zip(line, line[1:]) if option == "-p"]
    assert int(published.split(":")[-1]) == running.http[0].port
    with running.network():
        assert running.http[0].get().json == {"m.server": "matrix.example.com:443"}
        assert running.http[0].get(CLIENT).status == 200


def test_docker_build_as_shown_makes_what_is_run(image):
    line = command_line("docker build")
    assert (PROJECT / line[line.index("-f") + 1]).exists()
    assert line[line.index("-t") + 1] in image.tags


def test_the_size_that_is_shown_is_the_images(image):
    shown = int(re.search(r"an image of (\d+) MB", SECTION)[1])
    assert sum(entry.size for entry in image.files) <= shown * 1_000_000


def test_the_service_that_is_shown_is_the_one_in_the_compose_file():
    (shown,) = re.findall(r"^```yaml\nservices:\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    assert shown in (PROJECT / "container" / "compose.yaml").read_text()


def test_the_folders_that_kubectl_is_given_are_there():
    folders = re.findall(r"^kubectl apply -k (\S+)$", SECTION, re.MULTILINE)
    assert len(folders) == 2
    for folder in folders:
        assert (PROJECT / folder / "kustomization.yaml").exists()
