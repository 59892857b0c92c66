"""doc/security.md names, for each promise, the tests that show it: they must be there."""

import re

import pytest
from harness.daemon import PROJECT

SYSTEM_TESTS = PROJECT / "tests" / "system"
PAGE = (PROJECT / "doc" / "security.md").read_text()
# `test_limits.py::test_that_it_holds` or `debian/test_debian_package.py`, from tests/system on;
# `tests/unit/base/test_map.c` from the top.
NAMED = sorted(set(re.findall(r"`((?:[\w./-]*/)?test_\w+\.(?:py|c)(?:::\w+)?)`", PAGE)))
# Tables with a column for tests, each row as a list of its cells.
ROWS = [
    [cell.strip() for cell in row.strip("|").split(" | ")]
    for table in re.findall(r"^\|.*\| test \|\n\| [- |]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    for row in table.splitlines()
]


@pytest.mark.parametrize("name", NAMED)
def test_each_named_test_exists(name):
    file, _, function = name.partition("::")
    path = (PROJECT if file.startswith("tests/") else SYSTEM_TESTS) / file
    assert path.is_file(), file
    assert not function or re.search(rf"\b{function}\(", path.read_text()), name


def test_each_promise_names_a_test():
    assert len(ROWS) > 50
    assert not [row[0] for row in ROWS if not re.search(r"`[^`]*\btest_\w+", row[-1])]


def test_no_test_is_named_in_part():
    assert "`…" not in PAGE
