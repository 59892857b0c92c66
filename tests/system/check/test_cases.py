"""Every case of the test internet: verdict, step, findings; and for a dozen the whole report."""

import json
import os
from pathlib import Path

import pytest
from world import domains

EXPECTED = Path(__file__).parent / "expected"
WHOLE_REPORTS = sorted(file.stem for file in EXPECTED.glob("*.json"))


@pytest.mark.parametrize("name", domains.CASES)
def test_a_case_has_its_verdict_step_and_findings(internet, name):
    case = domains.CASES[name]
    run, report = internet.report(name)
    found = {
        severity: [each["code"] for each in report[severity]] for severity in ("errors", "warnings")
    }
    expected = {
        severity: [each.code for each in case.expected(severity)]
        for severity in ("errors", "warnings")
    }
    assert (report["step"], found, run.returncode) == (case.step, expected, case.verdict)
    assert report["ok"] is {0: True, 1: False, 3: None}[case.verdict]


@pytest.mark.parametrize("name", domains.CASES)
def test_each_finding_says_what_is_wrong_and_what_to_do(internet, name):
    case = domains.CASES[name]
    _run, report = internet.report(name)
    for severity in ("errors", "warnings"):
        for found, expected in zip(report[severity], case.expected(severity)):
            message = found["message"].replace(case.domain.name, "example.com")
            assert expected.says in message
            assert found["hint"]
            assert expected.hint in found["hint"].replace(case.domain.name, "example.com")


def codes_of_parts(report):
    """The `error` of everything in a report that has one."""
    parts = [*report["well_known"]["addresses"], *report["targets"]]
    parts += [report["client"]] if report["client"] else []
    return [part["error"] for part in parts if part["error"]]


@pytest.mark.parametrize("name", domains.CASES)
def test_the_parts_of_a_report_agree_with_its_findings(internet, name):
    _run, report = internet.report(name)
    codes = {each["code"] for kind in ("errors", "warnings") for each in report[kind]}
    # Where nothing listens on port 443 there is no document, which is no finding.
    assert set(codes_of_parts(report)) <= codes | {"connection_refused"}
    for part in [*report["targets"], *([report["client"]] if report["client"] else [])]:
        assert part["ok"] is (part["error"] is None)
    for target in report["targets"]:
        if target["keys"]:
            assert target["keys"]["ok"] is not (target["error"] or "").startswith("keys_")
        if target["tls"]:
            assert target["tls"]["valid"] is not (target["error"] or "").startswith("certificate_")
    for address in report["well_known"]["addresses"]:
        assert address["ok"] is (address["error"] is None and address["status"] == 200)
        assert not address["ok"] or address["m.server"]
    assert not any(code.startswith("client_") for code in codes) or not report["client"]["ok"]
    assert ("support_invalid" in codes) is (report["support"] == {"ok": False})
    delegated = report["well_known"]["m.server"]
    assert report["delegated_to"] == delegated
    assert (report["step"] or "3").startswith("3") or delegated is None


def normalised(report):
    """A report without what changes from run to run."""
    report = json.loads(json.dumps(report))
    for target in report["targets"]:
        if target["tls"] and target["tls"]["expires"]:
            target["tls"]["expires"] = "EXPIRES"
    report["targets"].sort(key=lambda target: (target["address"], target["port"]))
    report["well_known"]["addresses"].sort(key=lambda each: each["address"])
    return report


@pytest.mark.parametrize("name", WHOLE_REPORTS)
def test_the_whole_report_is_as_expected(internet, name):
    """One for each step, one with redirects, and one with an error."""
    _run, report = internet.report(name)
    text = json.dumps(normalised(report), indent=1, ensure_ascii=False) + "\n"
    file = EXPECTED / f"{name}.json"
    if os.environ.get("UPDATE_EXPECTED"):
        file.write_text(text)
    assert text == file.read_text()
