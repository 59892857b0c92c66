"""The attackers' world, and the table of what they did."""

import os

import figures
import pytest
import world as worlds


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    if reason := worlds.why_not():
        pytest.skip(reason)
    world = worlds.World(tmp_path_factory.mktemp("attack"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def rows():
    """The rows of doc/attacks.md's table, in order; `make soak` writes them there."""
    rows = []
    yield rows
    if rows and os.environ.get("WELLKNOWND_SOAK"):
        figures.write_page(rows, figures.introduction())
