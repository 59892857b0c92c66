"""Nothing that strangers publish leads the tester into the machine it runs on."""

import time

from cases import own_machine
import pytest
from world import domains

CASES = [name for name in domains.CASES if hasattr(own_machine, name)]


@pytest.fixture
def caught(internet):
    """What the traps on the tester's machine have seen since the test began."""
    internet.caught.write_text("")

    def read():
        time.sleep(0.2)  # a trap writes after the tester has gone
        return internet.caught.read_text(errors="replace")

    return read


@pytest.mark.parametrize("name", CASES)
def test_no_case_reaches_a_trap(internet, caught, name):
    case = domains.CASES[name]
    internet.check(*case.arguments, case.domain.server_name)
    assert caught() == ""


@pytest.mark.parametrize(
    "arguments",
    [["127.0.0.1:8448"], ["--resolve", "step-3-2.example:127.0.0.1", "step-3-2.example"]],
)
def test_an_address_that_the_person_gives_is_asked(internet, caught, arguments):
    """Somebody who sets a server up checks it where it is."""
    internet.check(*arguments)
    assert "connected" in caught()


def test_a_name_that_lives_on_the_testers_machine_is_checked(internet, caught):
    internet.check("-q", "--no-client", "homeserver-on-the-testers-machine.example")
    assert "8448 connected" in caught()
