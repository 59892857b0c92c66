"""Every case of the test internet: verdict, step, codes, and the whole report as expected."""

import json
import os
from pathlib import Path

import pytest
import world
from reports import normalised

EXPECTED = Path(__file__).parent / "expected"


@pytest.mark.parametrize("name", world.CASES)
def test_the_report_is_as_expected(internet, name):
    case = world.CASES[name]
    run = internet.check("--json", *case.arguments, case.domain.server_name)
    assert run.stderr == ""
    report = json.loads(run.stdout)
    codes = [[each["code"] for each in report[kind]] for kind in ("errors", "warnings")]
    assert (report["step"], *codes, run.returncode) == (
        case.step,
        case.errors,
        case.warnings,
        case.status,
    )
    assert report["ok"] is {0: True, 1: False, 3: None}[case.status]
    text = json.dumps(normalised(report), indent=1, ensure_ascii=False) + "\n"
    file = EXPECTED / f"{name}.json"
    if os.environ.get("UPDATE_EXPECTED"):
        file.write_text(text)
    assert text == file.read_text()


def test_every_expected_file_has_its_case():
    assert {file.stem for file in EXPECTED.glob("*.json")} == set(world.CASES)
