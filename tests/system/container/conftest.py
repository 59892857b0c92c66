"""Fixtures of the image's tests."""

import pytest
from image import ContainerStarter, Image, build


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The image, built and unpacked once."""
    directory = tmp_path_factory.mktemp("image")
    return Image(build(directory), directory)


@pytest.fixture
def container(image, tmp_path, tls):
    """Starts a container of the image and waits for its `ready` line."""
    starter = ContainerStarter(image, tmp_path, tls)
    yield starter
    starter.stop_all()
