"""What the package asks, writes, keeps and leaves behind, each on a machine of its own."""

import contextlib
import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time

from conftest import ANSWERS, MachineCertbot, install_answered
from harness.daemon import PROJECT
from harness.load import Load
from harness.waiting import eventually, scaled
from harness.wire import trusting_anyone

UNIT = "matrix-wellknownd.service"
FOLDER = "/etc/matrix-wellknownd"
WRITTEN = f"{FOLDER}/domains.d/debconf.conf"
RECONFIGURE = ("dpkg-reconfigure", "--frontend=teletype")
# What any installation of any package changes.
BOOKKEEPING = re.compile(
    r"/(var/lib/(dpkg|apt|ucf|systemd)|var/cache|var/log|var/tmp|tmp|run|proc|sys|dev|root)(/|$)"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/etc/\.pwd\.lock$|/etc/apparmor\.d/local$"
)


class Dialogue:
    """A command of the machine's on a terminal, and somebody who answers."""

    def __init__(self, machine, *command, **environment):
        self.said = ""
        self.seen = 0
        self.terminal, inside = pty.openpty()
        self.process = subprocess.Popen(
            machine.command(*command, TERM="dumb", **environment),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)

    def _read(self, seconds):
        with contextlib.suppress(OSError):  # the other side is closed
            if select.select([self.terminal], [], [], seconds)[0]:
                self.said += os.read(self.terminal, 65536).decode(errors="replace")
                return True
        return False

    def expect(self, text):
        """Waits until something is said after what was expected before."""

        def there():
            self._read(0.1)
            position = self.flat.find(text, self.seen)
            return position >= 0 and (position + len(text))

        try:
            self.seen = eventually(there, repr(text), 20)
        except AssertionError as error:
            raise AssertionError(f"{error} in {self.said}") from None

    @property
    def flat(self):
        """What was said, with one blank wherever lines were broken."""
        return " ".join(self.said.split())

    def answer(self, text):
        time.sleep(0.1)  # what is typed before the prompt's terminal is set up may be lost
        os.write(self.terminal, f"{text}\n".encode())

    def end(self):
        deadline = time.monotonic() + scaled(30)
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.1)
        while self._read(0.1):
            pass
        if self.process.poll() is None:
            self.process.kill()
        os.close(self.terminal)
        assert self.process.wait() == 0, self.said


def take_the_rest_as_it_is(asked):
    for question in ("Homeserver's URL", "Certificate chain of", "Private key of"):
        asked.expect(question + " ")
        asked.expect(":")
        asked.answer("")
    asked.end()


def file_text(machine, path):
    return machine.path(path).read_text()


def test_unanswered_it_is_installed_and_says_how_to_configure_it(machine, packages):
    said = machine.install(packages["matrix-wellknownd"]).stdout
    assert "not configured yet" in said and "dpkg-reconfigure matrix-wellknownd" in said
    assert machine.property(UNIT, "ActiveState") == "inactive"
    machine.run("systemctl", "start", UNIT)
    assert machine.property(UNIT, "ActiveState") == "inactive"
    assert machine.property(UNIT, "ConditionResult") == "no"
    assert not machine.endpoint().serves()
    assert "0 loaded units" in machine.output("systemctl", "--failed")
    assert os.listdir(machine.path(FOLDER)) == ["domains.d"]


def test_bad_answers_are_asked_again_with_the_programs_own_message(machine, packages):
    machine.install(packages["matrix-wellknownd"])
    asked = Dialogue(machine, *RECONFIGURE, "matrix-wellknownd")
    asked.expect("Domain of your Matrix users:")
    asked.answer("https://example.com")
    asked.expect('"https://example.com" is a URL: a domain is a host name without a port')
    asked.expect("Domain of your Matrix users:")
    asked.answer("example.com")
    asked.expect("Homeserver and port for other servers:")
    asked.answer("https://matrix.example.com")
    asked.expect('"https://matrix.example.com" is a URL: m.server takes a host name')
    asked.expect("Homeserver and port for other servers:")
    asked.answer("matrix.example.com:8448")
    take_the_rest_as_it_is(asked)
    text = file_text(machine, WRITTEN)
    assert 'domain "example.com" {' in text
    assert re.search(r'server += "matrix.example.com:8448"', text)
    assert '"/var/lib/matrix-wellknownd/certificates/example.com/fullchain.pem"' in text
    # There is no certificate yet, which takes nothing but a command.
    assert "matrix-wellknownd-acme enable" in asked.flat
    assert machine.property(UNIT, "ActiveState") == "active"


def test_an_empty_name_is_asked_again_and_then_left_for_later(machine, packages):
    machine.install(packages["matrix-wellknownd"])
    asked = Dialogue(machine, *RECONFIGURE, "matrix-wellknownd")
    asked.expect("Domain of your Matrix users:")
    asked.answer("")
    asked.expect("the value is empty: a domain is a host name")
    asked.expect("Domain of your Matrix users:")
    asked.answer("")
    asked.end()
    assert not machine.path(WRITTEN).exists()
    assert "not configured yet" in asked.flat


def test_certbots_certificate_is_taken_where_there_is_one_when_it_is_asked(machine, packages, site):
    machine.preseed(**ANSWERS)
    machine.install(packages["matrix-wellknownd"])
    assert "/var/lib/matrix-wellknownd/" in file_text(machine, WRITTEN)
    MachineCertbot(machine, site)
    machine.run("dpkg-reconfigure", "matrix-wellknownd", DEBIAN_FRONTEND="noninteractive")
    assert '"/etc/letsencrypt/live/example.com/fullchain.pem"' in file_text(machine, WRITTEN)
    machine.run("systemctl", "restart", UNIT)
    assert machine.endpoint(tls=trusting_anyone()).serves()


def test_bad_preseeded_answers_are_not_used_and_the_program_says_why(machine, packages):
    machine.preseed(domain="example.com", server="https://matrix.example.com")
    said = machine.install(packages["matrix-wellknownd"]).stdout
    assert '"https://matrix.example.com" is a URL' in said
    assert not machine.path(WRITTEN).exists()
    assert machine.property(UNIT, "ActiveState") == "inactive"


def test_the_questions_are_asked_in_german(machine, packages):
    machine.install(packages["matrix-wellknownd"])
    text = file_text(machine, "/var/lib/dpkg/info/matrix-wellknownd.templates")
    german = re.findall(r"^Description-de.UTF-8: (.*)$", text, re.MULTILINE)
    english = re.findall(r"^Description: (.*)$", text, re.MULTILINE)
    assert len(german) == len(english) == 6
    assert not set(german) & set(english)


def test_reconfiguring_keeps_what_the_administrator_wrote(machine, packages, site):
    install_answered(machine, packages, site)
    own = f"{FOLDER}/domains.d/own.conf"
    machine.write(own, 'domain "example.net" { server = "m.example.net:1" }\n')
    with machine.path(f"{FOLDER}/matrix-wellknownd.conf").open("a") as file:
        file.write("max_age = 60\n")
    asked = Dialogue(machine, *RECONFIGURE, "matrix-wellknownd")
    asked.expect("Domain of your Matrix users:")
    asked.answer("example.com")
    asked.expect("Homeserver and port for other servers:")
    asked.answer("elsewhere.example.com:443")
    take_the_rest_as_it_is(asked)
    assert '"elsewhere.example.com:443"' in file_text(machine, WRITTEN)
    assert "m.example.net:1" in file_text(machine, own)
    plain = machine.output("matrix-wellknownd", "--print", "server", "--domain", "example.com")
    assert plain == '{"m.server":"elsewhere.example.com:443"}'
    assert "max_age = 60" in file_text(machine, f"{FOLDER}/matrix-wellknownd.conf")


def test_an_own_file_with_the_same_domain_wins(machine, packages, site):
    own = f"{FOLDER}/domains.d/example.com.conf"
    machine.write(own, 'domain "example.com" {\n  server = "own.example.com:1"\n}\n')
    machine.write(f"{FOLDER}/matrix-wellknownd.conf", 'domains_dir = "domains.d"\n')
    machine.preseed(**ANSWERS)
    said = machine.install(packages["matrix-wellknownd"]).stdout
    assert f"example.com is configured in {own}" in said
    assert not machine.path(WRITTEN).exists()
    assert "own.example.com" in machine.output("matrix-wellknownd", "--print", "server")


def test_an_upgrade_keeps_the_configuration_and_the_connections(machine, packages, site, tls):
    name, tester = "matrix-wellknownd", "matrix-delegation-check"
    install_answered(machine, {name: packages.previous(name), tester: packages[tester]}, site)
    with machine.path(WRITTEN).open("a") as file:
        file.write('domain "example.net" { server = "m.example.net:1" }\n')
    kept = {path: file_text(machine, path) for path in (WRITTEN, f"{FOLDER}/matrix-wellknownd.conf")}
    old = machine.property(UNIT, "MainPID")
    with Load(machine.endpoint(tls=tls)) as load:
        machine.install(packages["matrix-wellknownd"])
    assert load.served > 0 and load.failures == []
    assert machine.property(UNIT, "MainPID") not in ("0", old)
    assert {path: file_text(machine, path) for path in kept} == kept
    assert machine.property(UNIT, "ActiveState") == "active"


def everything(machine):
    found = machine.output("find", "/", "-xdev", "-not", "-type", "d")
    folders = machine.output("find", "/etc", "/usr", "/lib/systemd", "/var/lib", "-xdev", "-type", "d")
    return {path for path in (found + "\n" + folders).splitlines() if not BOOKKEEPING.search(path)}


def test_removal_keeps_the_configuration_and_purge_leaves_nothing(machine, packages, site):
    machine.run("mkdir", "-p", "/etc/letsencrypt")
    before = everything(machine)
    users = file_text(machine, "/etc/passwd")
    install_answered(machine, packages, site)
    assert machine.property(UNIT, "ActiveState") == "active"
    both = ("matrix-wellknownd", "matrix-delegation-check")
    machine.run("apt-get", "--yes", "remove", *both, DEBIAN_FRONTEND="noninteractive")
    assert machine.path(WRITTEN).exists()
    assert not machine.endpoint().serves()
    machine.run("apt-get", "--yes", "purge", *both, DEBIAN_FRONTEND="noninteractive")
    left = {path for path in everything(machine) - before if "/etc/letsencrypt" not in path}
    assert left == set()
    assert file_text(machine, "/etc/passwd") == users
    for folder in ("/var/lib/ucf", "/var/lib/systemd", "/var/lib/dpkg/info", "/var/lib/apparmor"):
        if machine.path(folder).exists():
            search = ("grep", "-rl", "--exclude=*.[0-9]", "matrix-wellknownd", folder)
            assert machine.output(*search, check=False) == "", folder
    assert "matrix" not in machine.output("systemctl", "list-units", "--all", "--no-legend")


def test_debians_own_tests_pass(machine, packages):
    """debian/tests/service, as autopkgtest would run it: with a repository that has the package."""
    script = "/var/tmp/service"
    machine.install(packages["matrix-wellknownd"])
    index = subprocess.run(
        ["dpkg-scanpackages", "--multiversion", "."],
        cwd=packages.folder, capture_output=True, text=True, check=True,
    )
    for file in packages.all:
        machine.write(f"/var/tmp/repository/{file.name}", file.read_bytes())
    machine.write("/var/tmp/repository/Packages", index.stdout)
    machine.write(
        "/etc/apt/sources.list", "deb [trusted=yes] file:/var/tmp/repository ./\n"
    )
    machine.run("apt-get", "update")
    machine.write(script, (PROJECT / "debian" / "tests" / "service").read_bytes())
    said = machine.output("sh", script)
    assert "== purge" in said


def test_the_german_translation_is_complete():
    text = (PROJECT / "debian" / "po" / "de.po").read_text()
    assert "fuzzy" not in text
    assert not re.search(r'\nmsgstr ""\n\n', text)
