"""The service as it runs after an installation that asked its two questions."""

import os
import re
import shutil
import time

import pytest
from conftest import LETSENCRYPT, install_answered
from harness.certificates import RenamedOver
from harness.daemon import PROJECT
from harness.load import Load
from harness.waiting import eventually

UNIT = "matrix-wellknownd.service"
README = PROJECT / "debian" / "matrix-wellknownd.README.Debian"
DOCUMENT = {"m.server": "matrix.example.com:8448"}


@pytest.fixture(scope="module")
def shared(boot, packages, site):
    """A machine with both packages; `certbot` renews its certificate."""
    machine = boot()
    try:
        machine.certbot = install_answered(machine, packages, site)
        yield machine
        print(machine.journal())
    finally:
        machine.stop()


@pytest.fixture
def https(shared, tls):
    return shared.endpoint(tls=tls)


def main_process(machine):
    process = int(machine.property(UNIT, "MainPID"))
    assert process > 0, machine.journal()
    return process


def seen_by_service(machine, path):
    """A path as the service sees it."""
    return machine.path(f"/proc/{main_process(machine)}/root{path}")


def test_it_runs_and_will_after_the_next_start_of_the_machine(shared):
    assert shared.property(UNIT, "ActiveState") == "active"
    enabled = shared.output("systemctl", "is-enabled", UNIT, "matrix-wellknownd.socket")
    assert enabled.split() == ["enabled", "enabled"]
    assert "0 loaded units" in shared.output("systemctl", "--failed")


def test_curl_gets_the_document_with_a_trusted_chain(shared, authority):
    for address in ("127.0.0.1", "[::1]"):
        result = shared.run_beside(
            *("curl", "--silent", "--show-error", "--fail", "--cacert", authority.file),
            *("--noproxy", "*", "--resolve", f"example.com:443:{address}"),
            "https://example.com/.well-known/matrix/server",
        )
        assert result.stdout == '{"m.server":"matrix.example.com:8448"}', result.stderr


def test_its_exposure_is_small(shared):
    said = shared.output("systemd-analyze", "--no-pager", "security", UNIT)
    exposure = float(re.search(r"Overall exposure level .*: ([0-9.]+)", said)[1])
    print(f"exposure {exposure}")
    assert exposure <= 0.8


def test_systemd_has_nothing_to_say_about_the_units(shared):
    units = [file.name for file in shared.path("/lib/systemd/system").glob("matrix-wellknownd*")]
    assert len(units) == 6
    assert shared.output("systemd-analyze", "--man=no", "verify", *units) == ""


def test_the_process_has_one_capability_and_no_way_to_more(shared):
    status = shared.path(f"/proc/{main_process(shared)}/status").read_text()
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert 0 not in map(int, facts["Uid"].split() + facts["Gid"].split())
    only_reading = 1 << 2  # CAP_DAC_READ_SEARCH
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert int(facts[name], 16) == only_reading, name
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2"


@pytest.mark.parametrize("path", ("/root", "/etc/shadow", "/home", "/var/lib/dpkg", "/bin/sh"))
def test_the_process_does_not_see(shared, path):
    assert not seen_by_service(shared, path).exists()


def test_the_process_sees_its_certificates_and_can_write_nowhere(shared):
    assert seen_by_service(shared, f"{LETSENCRYPT}/live/example.com/fullchain.pem").exists()
    root = seen_by_service(shared, "/")
    assert {"etc", "usr"} <= set(os.listdir(root)) and "home" not in os.listdir(root)
    for folder in ("", "etc", "etc/letsencrypt", "etc/matrix-wellknownd", "etc/ssl", "usr/lib", "var"):
        assert os.statvfs(root / folder).f_flag & os.ST_RDONLY, folder


def test_no_connection_can_be_opened_from_inside_its_network(shared):
    inside = ("nsenter", "--target", main_process(shared), "--net")
    interfaces = shared.output(*inside, "cat", "/proc/net/dev")
    assert re.findall(r"^ *(\w+):", interfaces, re.MULTILINE) == ["lo"]
    for address in ("127.0.0.1/443", "::1/443", "192.0.2.1/443"):
        tried = shared.run(
            *(*inside, "timeout", "5", "bash", "-c", f"exec 3<>/dev/tcp/{address}"), check=False
        )
        assert tried.returncode not in (0, 124), address
    # The same from outside it works, so it is not the try that is wrong.
    shared.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/443")


def test_the_process_cannot_even_make_a_socket_for_one(shared):
    """The same settings for a program that tries: perl, which every Debian has."""
    names = "User|PrivateNetwork|NoNewPrivileges|RestrictAddressFamilies|SystemCall\\w+"
    unit = shared.path(f"/lib/systemd/system/{UNIT}").read_text()
    settings = re.findall(rf"^(?:{names})=.*$", unit, re.MULTILINE)
    assert len(settings) >= 8
    program = "socket(S, $ARGV[0], 1, 0) or die qq($!\\n); print qq(made\\n);"
    name = "wellknownd-test-socket.service"
    for family, made in ((1, True), (2, False), (10, False), (16, False)):
        lines = ["[Service]", "Type=oneshot", *settings, f"ExecStart=/usr/bin/perl -e '{program}' {family}"]
        shared.write(f"/run/systemd/system/{name}", "\n".join(lines))
        shared.run("systemctl", "daemon-reload")
        tried = shared.run("systemctl", "start", name, check=False)
        assert (tried.returncode == 0) == made, shared.journal(name)


def test_a_renewal_by_certbot_is_served(shared, https, authority):
    renewed = authority.issue("example.com")
    before = main_process(shared)
    shared.certbot.replace(renewed)
    eventually(lambda: https.certificate() == renewed.leaf, "the renewed certificate")
    assert main_process(shared) == before


@pytest.mark.parametrize(
    ("certificate", "key"),
    (
        ("uacme/example.org/cert.pem", "uacme/private/example.org/key.pem"),
        ("example.org/fullchain.pem", "example.org/key.pem"),
    ),
    ids=("uacme", "acme.sh"),
)
def test_a_renewal_in_other_clients_folders_is_served(shared, https, authority, certificate, key):
    class Files(RenamedOver):
        def __init__(self, pair):
            self.certificate = shared.path(f"/etc/ssl/{certificate}")
            self.key = shared.path(f"/etc/ssl/{key}")
            for file in (self.certificate, self.key):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.parent.chmod(0o700)
                file.touch(mode=0o600)
            self.replace(pair)

    first, second = (authority.issue("example.org") for _ in range(2))
    files = Files(first)
    shared.write(
        "/etc/matrix-wellknownd/domains.d/own.conf",
        f'domain "example.org" {{\n  server = "m.example.org:1"\n'
        f'  certificate = "/etc/ssl/{certificate}"\n  key = "/etc/ssl/{key}"\n}}\n',
    )
    shared.run("systemctl", "reload", UNIT)
    assert https.certificate("example.org") == first.leaf
    files.replace(second)
    eventually(lambda: https.certificate("example.org") == second.leaf, "the renewed certificate")


def test_reloads_and_restarts_under_load_lose_nothing(shared, https):
    with Load(https) as load:
        for _ in range(3):
            shared.run("systemctl", "reload", UNIT)
            before = main_process(shared)
            shared.run("systemctl", "restart", UNIT)
            assert main_process(shared) != before
            time.sleep(0.2)
    assert load.served > 10
    assert load.failures == []


def test_a_reload_has_happened_when_systemctl_returns(shared, https):
    for port in range(1, 11):
        shared.write(
            "/etc/matrix-wellknownd/domains.d/own.conf",
            f'domain "example.net" {{ server = "m.example.net:{port}" }}\n',
        )
        shared.run("systemctl", "reload", UNIT)
        assert https.get(host="example.net").json == {"m.server": f"m.example.net:{port}"}


def test_a_broken_configuration_makes_the_reload_fail_while_the_old_one_serves(shared, https):
    before = main_process(shared)
    broken = "/etc/matrix-wellknownd/domains.d/broken.conf"
    shared.write(broken, 'domain "example.net" { server = "https://m.example.net" }\n')
    tried = shared.run("systemctl", "reload", UNIT, check=False)
    assert tried.returncode != 0 and "failed" in tried.stdout
    message = f'{broken}:1: "https://m.example.net" is a URL'
    assert message in shared.output("systemctl", "status", "--no-pager", UNIT, check=False)
    assert https.get().json == DOCUMENT
    assert shared.property(UNIT, "ActiveState") == "active"
    shared.path(broken).unlink()
    shared.run("systemctl", "reload", UNIT)
    assert main_process(shared) == before


def test_a_killed_service_comes_back(shared, https):
    before = main_process(shared)
    shared.run("sh", "-c", f"kill -SEGV {before}")
    restarted = {"0", str(before)}.isdisjoint
    eventually(lambda: restarted([shared.property(UNIT, "MainPID")]), "the restarted service")
    assert https.get().json == DOCUMENT


def test_the_optional_sockets_need_nothing_but_to_be_enabled(shared, https):
    sockets = [f"matrix-wellknownd-{name}.socket" for name in ("http", "metrics")]
    shared.run("systemctl", "enable", *sockets)
    with Load(https) as load:
        shared.run("systemctl", "restart", UNIT)
    assert load.failures == []
    assert shared.endpoint(80).get().json == DOCUMENT
    assert b"matrix_wellknownd_connections" in shared.endpoint(9448).get("/metrics").body
    shared.run("systemctl", "disable", "--now", *sockets)
    shared.run("systemctl", "restart", UNIT)
    assert not shared.endpoint(80).serves()
    assert https.serves()


def drop_ins(heading):
    """The drop-ins that a section of README.Debian shows: the unit and the text of each."""
    text = README.read_text()
    section = re.search(rf"^{heading}[^\n]*\n-+\n(.*?)(?:\n[^\n]+\n-{{3,}}\n|\Z)", text, re.M | re.S)[1]
    found = re.findall(r"^ +systemctl edit (\S+)\n\n((?: {8}.*\n)+)", section, re.MULTILINE)
    return [(unit, re.sub(r"^ +", "", text, flags=re.MULTILINE)) for unit, text in found]


@pytest.fixture
def edited(shared):
    """`systemctl edit`, undone after the test."""
    units = []

    def edit(unit, text):
        units.append(unit)
        shared.write(f"/etc/systemd/system/{unit}.d/override.conf", text)

    shared.run("systemctl", "disable", "--now", "matrix-wellknownd.socket")
    yield edit
    for unit in units:
        shutil.rmtree(shared.path(f"/etc/systemd/system/{unit}.d"))
    shared.run("systemctl", "daemon-reload")
    shared.run("systemctl", "disable", "--now", "matrix-wellknownd-http.socket")
    shared.run("systemctl", "stop", UNIT)
    shared.run("systemctl", "enable", "matrix-wellknownd.socket")
    shared.run("systemctl", "start", UNIT)


def test_it_can_stand_behind_nginx_as_readme_debian_says(shared, edited):
    texts = drop_ins("Port 443 belongs")
    assert [unit for unit, _ in texts] == ["matrix-wellknownd-http.socket", UNIT]
    for unit, text in texts:
        edited(unit, text)
    certificates = shared.path(LETSENCRYPT)
    hidden = certificates.with_name("hidden")
    certificates.rename(hidden)
    try:
        shared.run("systemctl", "daemon-reload")
        shared.run("systemctl", "enable", "matrix-wellknownd-http.socket")
        shared.run("systemctl", "restart", UNIT)
        assert shared.endpoint(8080).get().json == DOCUMENT
        assert not shared.endpoint(443).serves()
        shared.run("systemctl", "reload", UNIT)
    finally:
        hidden.rename(certificates)


def test_it_can_listen_by_itself_as_readme_debian_says(shared, edited, https):
    ((unit, text),) = drop_ins('"listen" in the configuration')
    edited(unit, text)
    shared.run("systemctl", "daemon-reload")
    shared.run("systemctl", "restart", UNIT)
    assert https.get().json == DOCUMENT


def test_the_apparmor_profile_is_understood(shared):
    said = shared.output(
        "apparmor_parser", "--skip-kernel-load", "--skip-cache", "/etc/apparmor.d/matrix-wellknownd"
    )
    assert "error" not in said.lower()
    assert shared.property(UNIT, "AppArmorProfile") == "yes (matrix-wellknownd)" or (
        "AppArmorProfile=-matrix-wellknownd" in shared.output("systemctl", "cat", UNIT)
    )


def test_the_tester_runs(shared):
    assert "matrix-delegation-check" in shared.output("matrix-delegation-check", "--version")
