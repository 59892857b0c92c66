"""Reports of the tester, without what changes from run to run."""

import json


def normalised(report):
    """A report without what changes from run to run."""
    report = json.loads(json.dumps(report))
    for target in report["targets"]:
        if target["tls"] and target["tls"]["expires"]:
            target["tls"]["expires"] = "EXPIRES"
    report["targets"].sort(key=lambda target: (target["address"], target["port"]))
    report["well_known"]["addresses"].sort(key=lambda each: each["address"])
    return report
