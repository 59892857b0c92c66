"""--test --format json: one object that programs read."""

import json

import pytest
from harness.certificates import DAY, now
from harness.daemon import HTTPS, SERVER_OPTION, run


def described(*arguments, **details):
    """The exit status and the object, which is all of standard output, on one line."""
    result = run(*arguments, "--test", "--format", "json", **details)
    assert result.stdout.count("\n") == 1, result
    return result.returncode, json.loads(result.stdout)


def codes(report):
    return {finding["code"]: finding["severity"] for finding in report["findings"]}


def test_everything_that_is_configured_is_in_it(authority, tmp_path):
    pair = authority.issue("example.com", "*.example.com")
    (tmp_path / "extra.json").write_text('{"org.example.x": [1]}')
    file = tmp_path / "test.conf"
    file.write_text(
        'listen = { "127.0.0.1:0" }\nlisten_http = { "unix:/run/x.sock" }\n'
        f'metrics_listen = {{ "[::1]:9090" }}\nacme_webroot = "{tmp_path}"\nhttp_redirect = true\n'
        f'domain "example.com" {{ server = "m.example:1" client = "https://m.example"\n'
        f'client_extra = "extra.json" redirect = "https://www.example.com"\n'
        f"{pair.settings(tmp_path)} }}\n"
    )
    status, report = described("--config", file)
    assert status == 0 and report["ok"] is True and report["findings"] == []
    assert report["listeners"] == [
        {"kind": "https", "address": "127.0.0.1:0"},
        {"kind": "http", "address": "unix:/run/x.sock"},
        {"kind": "metrics", "address": "[::1]:9090"},
    ]
    assert report["acme_alpn_dir"] is None and report["acme_webroot"] == str(tmp_path)
    assert report["http_redirect"] is True
    assert report["domains"] == [
        {
            "name": "example.com",
            "documents": {
                "server": {"m.server": "m.example:1"},
                "client": {
                    "m.homeserver": {"base_url": "https://m.example"}, "org.example.x": [1],
                },
            },
            "redirect": "https://www.example.com",
            "certificate": f"{tmp_path}/site.pem",
        }
    ]
    (certificate,) = report["certificates"]
    assert certificate["not_after"] == f"{pair.not_after:%Y-%m-%dT%H:%M:%SZ}"
    assert certificate["not_before"].startswith("20")
    del certificate["not_after"], certificate["not_before"]
    assert certificate == {
        "file": f"{tmp_path}/site.pem",
        "key": f"{tmp_path}/site.key",
        "state": "usable",
        "names": ["example.com", "*.example.com"],
        "awaited": [],
    }


def test_what_is_awaited_is_named(tmp_path):
    line = ("--certificate", tmp_path / "a.pem", "--key", tmp_path / "a.key")
    status, report = described(*SERVER_OPTION, *HTTPS, *line, "--acme-alpn-dir", tmp_path)
    assert status == 0
    (certificate,) = report["certificates"]
    assert certificate["state"] == "awaited"
    assert certificate["awaited"] == [f"{tmp_path}/a.pem", f"{tmp_path}/a.key"]
    assert codes(report) == {"certificate_awaited": "info"}


@pytest.mark.parametrize(
    ("days", "names", "state", "code"),
    (
        ((-90, -1), ["example.com"], "expired", "certificate_expired"),
        ((1, 90), ["example.com"], "usable", "certificate_not_yet_valid"),
        ((-80, 10), ["example.com"], "usable", "certificate_expires_soon"),
        ((-1, 90), ["www.example.com"], "usable", "certificate_other_name"),
    ),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_finding_about_a_certificate_has_a_code(
    authority, tmp_path, days, names, state, code
):
    pair = authority.issue(
        *names, not_before=now() + days[0] * DAY, not_after=now() + days[1] * DAY
    )
    line = (*SERVER_OPTION, *HTTPS, *pair.options(tmp_path), "--domain", "example.com")
    status, report = described(*line)
    assert status == 0 and report["ok"] is True
    assert report["certificates"][0]["state"] == state
    assert codes(report) == {code: "warning"}


def test_a_pair_that_cannot_be_used_is_an_error(site, tmp_path):
    line = site.options(tmp_path)
    (tmp_path / "site.pem").write_text("garbage")
    status, report = described(*SERVER_OPTION, *HTTPS, *line)
    assert status == 1 and report["ok"] is False
    assert report["certificates"][0]["state"] == "unusable"
    assert codes(report) == {"certificate_unusable": "error", "cannot_start": "error"}
    (message,) = (
        one["message"] for one in report["findings"] if one["code"] == "certificate_unusable"
    )
    assert message.startswith(f"{tmp_path}/site.pem: no certificate can be read")


def test_a_configuration_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "test.conf").write_text("\nnonsense = 1\n")
    status, report = described("--config", tmp_path / "test.conf")
    assert status == 1
    assert report["ok"] is False and codes(report) == {"configuration": "error"}
    assert f"{tmp_path}/test.conf:2: " in report["findings"][0]["message"]


def test_a_warning_about_a_setting_is_a_finding():
    status, report = described("--server", "m.example", "--listen-http", "127.0.0.1:0")
    assert status == 0 and codes(report) == {"setting": "warning"}


def test_paths_that_are_no_text_are_escaped(site, tmp_path):
    odd = tmp_path / 'a"b\\\x1b\udcff'
    odd.mkdir()
    status, report = described(*SERVER_OPTION, *HTTPS, *site.options(odd))
    assert status == 0
    assert report["certificates"][0]["file"].startswith(f"{tmp_path}/a\"b\\")


def test_text_is_the_default(site, tmp_path):
    line = (*SERVER_OPTION, *HTTPS, *site.options(tmp_path), "--test")
    assert run(*line, "--format", "text").stdout == run(*line).stdout
    assert "HTTPS on 127.0.0.1:0" in run(*line).stdout


@pytest.mark.parametrize("line", (("--format", "xml", "--test"), ("--format", "json")))
def test_a_format_that_does_not_exist_or_is_out_of_place_is_wrong_usage(line):
    refused = run(*SERVER_OPTION, *line)
    assert refused.returncode == 2 and "--format" in refused.stderr
