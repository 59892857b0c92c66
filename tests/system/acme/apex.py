"""The daemon of an apex host, and ACME clients that get certificates for it."""

import os
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from harness.daemon import BINARY, SERVER_OPTION, environment_of
from harness.peers import PEERS, find, missing
from harness.pebble import in_trust_of
from harness.waiting import eventually, scaled
from harness.wire import trusting, trusting_anyone

TOOL = BINARY.parent / "matrix-wellknownd-acme"


def leaf_of(file):
    """The first certificate in a file, as DER."""
    return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)


def needed(*programs):
    if os.geteuid() != 0:
        pytest.skip("only root can have clients trust another authority")
    for program in programs:
        if not find(program):
            pytest.skip(missing(program))


class Apex:
    """The daemon of an apex host that begins without a certificate, and its clients' folder."""

    def __init__(self, start, pebble, authority, folder):
        self.folder = folder
        self.pebble = pebble
        self.authority = authority
        self.challenges = folder / "challenges"
        self.webroot = folder / "webroot"
        self.challenges.mkdir()
        self.webroot.mkdir()
        self.start = start

    def serve(self, certificate, key, *names):
        """Starts the daemon for example.com, or these names; `{}` stands for the name in paths."""
        sections = "".join(
            f'domain "{name}" {{\n  server = "{SERVER_OPTION[1]}"\n'
            f'  certificate = "{str(certificate).format(name)}"\n'
            f'  key = "{str(key).format(name)}"\n}}\n'
            for name in names or ("example.com",)
        )
        self.daemon = self.start.configured(
            f'listen = {{ "127.0.0.1:{self.pebble.https_port}" }}\n'
            f'listen_http = {{ "127.0.0.1:{self.pebble.http_port}" }}\n'
            f'acme_alpn_dir = "{self.challenges}"\nacme_webroot = "{self.webroot}"\n{sections}'
        )
        self.https = self.daemon.https[0]
        return self

    @property
    def trust(self):
        """The context of a client that trusts what Pebble issues."""
        return trusting(self.pebble.root())

    def served_leaf(self, name="example.com"):
        """The leaf certificate that is served for a name, as DER, or None."""
        try:
            return self.https.certificate(name, trusting_anyone())
        except OSError:
            return None

    def environment(self):
        """Of a client: it finds our programs and unpacked ones."""
        path = [str(TOOL.parent), os.environ["PATH"], str(PEERS / "usr/bin"), str(PEERS / "usr/sbin")]
        return environment_of(
            {
                "PATH": os.pathsep.join(path),
                "HOME": str(self.folder),
                "PYTHONPATH": str(PEERS / "usr/lib/python3/dist-packages"),
            }
        )

    def run(self, *command, check=True):
        """Runs a client to its end; it trusts Pebble."""
        result = subprocess.run(
            in_trust_of(self.authority.file, *command),
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=scaled(120), check=False,
        )
        print(f"$ {' '.join(map(str, command))}\n{result.stdout}")
        assert not check or result.returncode == 0, result.stdout
        return result

    # --- matrix-wellknownd-acme ---

    @property
    def state(self):
        return self.folder / "state"

    def pair(self, name="example.com"):
        """The files of our command."""
        folder = self.state / "certificates" / name
        return folder / "fullchain.pem", folder / "privkey.pem"

    def serve_ours(self, *names):
        """Starts the daemon with the pairs of our command, which are not there yet."""
        return self.serve(*self.pair("{}"), *names)

    def written_leaf(self, name="example.com"):
        """The leaf certificate that our command has written, as DER."""
        return leaf_of(self.pair(name)[0])

    def wait_until_served(self, name="example.com"):
        written = self.written_leaf(name)
        eventually(lambda: self.served_leaf(name) == written, "the pair to be served", timeout=2)

    def tool_line(self, command, *arguments, directory=None, configuration=None):
        """The command line of our command at Pebble; `directory` is another authority's."""
        return [
            *(TOOL, command, "--state", self.state),
            *("--config", configuration or self.daemon.configuration),
            *("--directory", directory or self.pebble.directory, *arguments),
        ]

    def tool(self, *arguments, check=True, before=(), **details):
        """Runs our command to its end; `before` is a command that runs it."""
        return self.run(*before, *self.tool_line(*arguments, **details), check=check)

    def start_tool(self, *arguments, **details):
        """Starts our command in a session of its own."""
        return subprocess.Popen(
            in_trust_of(self.authority.file, *self.tool_line(*arguments, **details)),
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )

    def contents(self):
        """What is kept, but for the lock and the accounts: each file's path and bytes."""
        files = (file for file in self.state.rglob("*") if file.is_file())
        names = {str(file.relative_to(self.state)): file for file in files}
        return {
            name: file.read_bytes()
            for name, file in names.items()
            if name != "acme/lock" and not name.startswith("acme/accounts/")
        }
