"""valgrind over a whole life: what is allocated is freed, and nothing else is touched."""

import shutil

import pytest
from harness import waiting
from harness.daemon import is_sanitized
from harness.waiting import eventually

RELOADS = 100
VALGRIND = (
    "valgrind",
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible",
    "--error-exitcode=97",
)


@pytest.fixture
def patience(monkeypatch):
    """Under valgrind everything takes its time."""
    monkeypatch.setattr(waiting, "SLOWNESS", waiting.SLOWNESS * 10)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif(is_sanitized(), reason="the sanitizers look already")
@pytest.mark.usefixtures("patience")
def test_valgrind_sees_no_error_and_no_leak_in_a_start_100_reloads_and_a_stop(start, site):
    """Documents, domains, listeners and the certificate change; every tenth file is broken."""

    def text(number):
        listeners = '"127.0.0.1:0"' + (', "[::1]:0"' if number % 3 == 0 else "")
        domains = "".join(
            f'domain "d{extra}.example.com" {{ server = "m{number}.example:1" }}\n'
            for extra in range(number % 5)
        )
        return f"""
            listen = {{ {listeners} }}
            listen_http = {{ "127.0.0.1:0" }}
            {site.settings(start.directory)}
            {domains}
            domain "example.com" {{ server = "m{number}.example:1" client = "https://m.example" }}
            {"unknown = 1" if number % 10 == 9 else ""}
            """

    log = start.directory / "valgrind.log"
    daemon = start.configured(text(0), starter=(*VALGRIND, f"--log-file={log}"))
    for number in range(1, RELOADS + 1):
        seen = len(daemon.log)
        daemon.configuration.write_text(text(number))
        daemon.reload()
        broken = number % 10 == 9
        daemon.wait_for_log("not reloaded" if broken else r"^(<6>)?ready\b", after=seen)
        served = {"m.server": f"m{number - broken}.example:1"}
        for endpoint in (daemon.https[0], daemon.http[0]):
            eventually(lambda end=endpoint, doc=served: end.get().json == doc, "the new document")
    daemon.stop()
    # Its own warnings ("--PID-- ...") are of system calls for confinement that it does not know.
    assert not [line for line in log.read_text().splitlines() if not line.startswith("--")]
