"""Honest clients are served while others attack, in each state that a connection can be in."""

import pytest
from harness.daemon import is_sanitized
from states import ANYWHERE, IN_HTTP, ON_HTTPS
from trial import LONG, SHORT, Case, check, under_attack

pytestmark = [
    pytest.mark.quiet,
    pytest.mark.skipif(is_sanitized(), reason="figures of a sanitized program say nothing"),
]

# One of each kind of harm: places, memory, CPU time.
SELECTION = (
    Case("silent", "http"),
    Case("half-line", "http", rate=130),
    Case("hello", "https", 18),
    Case("endless-hello", "https", 60),
    Case("endless-key-exchange", "https"),
    Case("pipeline-unread", "http"),
    Case("pipeline-unread", "https", 18),
    Case("key-updates", "https", 18),
    Case("kept", "unix"),
)
EVERYTHING = (
    *(Case(state, "https", addresses) for state in ON_HTTPS for addresses in (1, 18, 60)),
    *(Case(state, "http") for state in ANYWHERE),
    Case("half-line", "http", rate=130),
    *(Case(state, "unix") for state in ("silent", *IN_HTTP)),
)


@pytest.mark.parametrize("case", SELECTION, ids=str)
def test_honest_clients_are_served_during_an_attack(case, world, daemon, authority):
    figures = under_attack(case, SHORT, world, daemon, authority)
    assert figures.attack["opened"] > 50, "that was no attack"
    check(figures, daemon)


@pytest.mark.soak
@pytest.mark.parametrize("case", EVERYTHING, ids=str)
def test_honest_clients_are_served_during_any_attack(case, world, daemon, authority, rows):
    figures = under_attack(case, LONG, world, daemon, authority)
    rows.append(figures.row())
    check(figures, daemon)
