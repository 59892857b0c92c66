"""From nothing to a certificate and through its renewals, with each of three ACME clients and a real
authority that asks the daemon itself."""

import dataclasses

import pytest
from apex import leaf_of, needed
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from harness.load import Load
from harness.waiting import eventually


class Client:
    """An ACME client: where it keeps the pair, and how it is run."""

    renewals = 1  # that the test has the patience for
    known_bugs = ()  # what it says, in lower case, where it fails through no fault of the daemon's

    def __init__(self, apex):
        self.apex = apex
        self.prepare()

    def prepare(self):
        pass

    def persistently(self, *command):
        """Pebble refuses good nonces now and then, and not every client has the patience that the
        specification asks for: try again, as people and timers do."""
        for _ in range(15):
            result = self.apex.run(*command, check=False)
            passing = ("nonce", *self.known_bugs)
            said = result.stdout.lower()
            if result.returncode == 0 or not any(sign in said for sign in passing):
                break
        assert result.returncode == 0, result.stdout


class OurCommand(Client):
    """matrix-wellknownd-acme: uacme, by tls-alpn-01."""

    renewals = 5

    def prepare(self):
        self.certificate, self.key = self.apex.pair()

    def obtain(self):
        self.apex.tool("enable", "example.com", "--email", "you@example.com")

    def renew(self):
        self.apex.tool("renew", "--force")


class Dehydrated(Client):
    """dehydrated, by tls-alpn-01."""

    def prepare(self):
        needed("dehydrated", "curl")
        folder = self.apex.folder / "dehydrated"
        folder.mkdir()
        self.certificate = folder / "certs/example.com/fullchain.pem"
        self.key = folder / "certs/example.com/privkey.pem"
        self.configuration = folder / "config"
        self.configuration.write_text(
            f"BASEDIR={folder}\nCA={self.apex.pebble.directory}\nCHALLENGETYPE=tls-alpn-01\n"
            f"ALPNCERTDIR={self.apex.challenges}\nKEY_ALGO=prime256v1\n"
            "ACCOUNT_KEY_ALGO=prime256v1\n"
        )

    def run(self, *arguments):
        self.persistently("dehydrated", "--config", self.configuration, *arguments)

    def obtain(self):
        self.run("--register", "--accept-terms")
        self.run("--cron", "--domain", "example.com")

    def renew(self):
        self.run("--cron", "--domain", "example.com", "--force")


class Certbot(Client):
    """certbot, by http-01 in the webroot."""

    # The authority's errors are immutable objects there (josepy's ImmutableMap), and contextlib sets
    # their traceback from Python 3.11 on: instead of the refused nonce this is raised.
    known_bugs = ("attributeerror: can't set attribute",)

    def prepare(self):
        needed("certbot")
        self.folder = self.apex.folder / "certbot"
        live = self.folder / "config/live/example.com"
        self.certificate, self.key = live / "fullchain.pem", live / "privkey.pem"

    def run(self, *arguments):
        folders = [f"--{name}-dir={self.folder}/{name}" for name in ("config", "work", "logs")]
        self.persistently("certbot", *arguments, *folders, "--non-interactive")

    def obtain(self):
        self.run(
            *("certonly", "--webroot", "--webroot-path", self.apex.webroot),
            *("--domain", "example.com", "--server", self.apex.pebble.directory),
            *("--agree-tos", "--email", "you@example.com", "--no-eff-email"),
        )

    def renew(self):
        self.run("renew", "--force-renewal", "--no-random-sleep-on-renew")


@pytest.fixture(params=(OurCommand, Dehydrated, Certbot), ids=lambda client: client.__name__)
def client(request, apex):
    client = request.param(apex)
    apex.serve(client.certificate, client.key)
    return client


def wait_until_served(client):
    written = leaf_of(client.certificate)
    eventually(
        lambda: client.apex.served_leaf() == written, "the certificate to be served", timeout=2
    )


def test_from_nothing_to_a_trusted_certificate_within_2_seconds_of_its_writing(client):
    apex = client.apex
    assert apex.served_leaf() is None
    client.obtain()
    wait_until_served(client)
    assert apex.https.get(tls=apex.trust).status == 200
    assert list(apex.challenges.iterdir()) == [], "a challenge was left behind"
    tokens = apex.webroot.rglob("*")
    assert not [file for file in tokens if file.is_file()], "a token was left behind"


def test_renewals_under_load_fail_no_request(client):
    client.obtain()
    wait_until_served(client)
    seen = {leaf_of(client.certificate)}
    trusting = dataclasses.replace(client.apex.https, tls=client.apex.trust)
    with Load(trusting) as load:
        for _ in range(client.renewals):
            client.renew()
            wait_until_served(client)
            seen.add(leaf_of(client.certificate))
    assert load.failures == []
    assert load.served > 10
    assert len(seen) == client.renewals + 1, "not every renewal brought another certificate"


def test_our_commands_key_is_on_p_256_and_another_one_each_time(apex):
    certificate, key = apex.pair()
    apex.serve_ours()
    points = set()
    for arguments in (("enable", "example.com"), ("renew", "--force")):
        apex.tool(*arguments)
        private = load_pem_private_key(key.read_bytes(), None)
        assert isinstance(private.curve, ec.SECP256R1)
        assert key.stat().st_mode & 0o077 == 0, "others may read the key"
        points.add(private.public_key().public_numbers())
    assert len(points) == 2
