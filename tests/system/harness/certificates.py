"""A certificate authority of the test session, and the ways in which certificate files change."""

import datetime
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def key_usage(*allowed):
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    ).split()
    return x509.KeyUsage(**{name: name in allowed for name in names})


KEY_USAGE_OF_CA = key_usage("key_cert_sign", "crl_sign")
KEY_USAGE_OF_LEAF = key_usage("digital_signature")


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def private_key_pem(key, form="PKCS8"):
    """A key as PEM: PKCS8, or TraditionalOpenSSL (SEC1 or PKCS#1)."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption(),
    )


def members_of(pair):
    """The certificates of its chain, each as PEM."""
    return re.findall(b"-----BEGIN.*?-----END CERTIFICATE-----\n", pair.chain, re.DOTALL)


@dataclass
class Pair:
    """A certificate chain and its key, as the bytes of PEM files."""

    chain: bytes
    key: bytes
    leaf: bytes  # DER
    private_key: object
    not_after: datetime.datetime

    def write(self, directory, name="site"):
        """Writes NAME.pem and NAME.key; returns their paths."""
        files = Path(directory) / f"{name}.pem", Path(directory) / f"{name}.key"
        files[0].write_bytes(self.chain)
        files[1].write_bytes(self.key)
        return files

    def options(self, directory, name="site"):
        """Writes the pair; returns the options that name it."""
        certificate, key = self.write(directory, name)
        return ["--certificate", certificate, "--key", key]

    def settings(self, directory, name="site"):
        """Writes the pair; returns the lines of a configuration file that name it."""
        certificate, key = self.write(directory, name)
        return f'certificate = "{certificate}"\nkey = "{key}"\n'


class Authority:
    """A root and an intermediate; what it issues is served with the intermediate in the chain."""

    def __init__(self, directory, root="Test Root"):
        root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = self._certificate(root, root_key, root, root_key, is_ca=True)
        self._intermediate = self._certificate(
            "Test Intermediate", self._key, root, root_key, is_ca=True
        )
        self.file = Path(directory) / "authority.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names, not_before=None, not_after=None, key=None):
        """A pair for these DNS names, good from yesterday for 90 days unless told otherwise."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(
            names[0],
            key,
            "Test Intermediate",
            self._key,
            names=names,
            not_before=not_before,
            not_after=not_after,
        )
        return self._pair([leaf, self._intermediate], key)

    @staticmethod
    def _pair(chain, key):
        return Pair(
            b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
            private_key_pem(key),
            chain[0].public_bytes(serialization.Encoding.DER),
            key,
            chain[0].not_valid_after,
        )

    def issue_deep(self, name, depth):
        """A pair whose chain has `depth` certificates, each of its own key."""
        issuer, issuer_key, chain = "Test Intermediate", self._key, [self._intermediate]
        for number in range(depth - 2):
            key = ec.generate_private_key(ec.SECP256R1())
            subject = f"Test Intermediate {number}"
            chain.append(self._certificate(subject, key, issuer, issuer_key, is_ca=True))
            issuer, issuer_key = subject, key
        key = ec.generate_private_key(ec.SECP256R1())
        chain.append(self._certificate(name, key, issuer, issuer_key, names=[name]))
        return self._pair(chain[::-1], key)

    @classmethod
    def expired_root(cls):
        key = ec.generate_private_key(ec.SECP256R1())
        dates = {"not_before": now() - 9 * DAY, "not_after": now() - DAY}
        return cls._certificate("Old Root", key, "Old Root", key, is_ca=True, **dates)

    def issue_unnamed(self, name):
        """As of old: the name stands in the subject alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._certificate(name, key, "Test Intermediate", self._key)
        return self._pair([leaf, self._intermediate], key)

    def issue_rsa(self, *names):
        return self.issue(*names, key=rsa.generate_private_key(65537, 2048))

    @staticmethod
    def _certificate(
        subject, key, issuer, issuer_key, is_ca=False, names=(), not_before=None, not_after=None
    ):
        def common_name(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        builder = (
            x509.CertificateBuilder()
            .subject_name(common_name(subject))
            .issuer_name(common_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before or now() - DAY)
            .not_valid_after(not_after or now() + 90 * DAY)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(  # Python's verification asks for it from 3.13 on
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
            .add_extension(KEY_USAGE_OF_CA if is_ca else KEY_USAGE_OF_LEAF, critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(alternatives, False).add_extension(usage, False)
        return builder.sign(issuer_key, hashes.SHA256())


class RenamedOver:
    """Each file is written beside the old one and renamed over it, as most ACME clients do."""

    def __init__(self, directory, pair):
        self.certificate, self.key = pair.write(directory)

    def replace(self, pair):
        for file, content in ((self.certificate, pair.chain), (self.key, pair.key)):
            beside = file.with_name(file.name + ".new")
            beside.write_bytes(content)
            os.rename(beside, file)


class WrittenInPlace(RenamedOver):
    """Each file is truncated and written again, as `cp` does."""

    def replace(self, pair):
        self.certificate.write_bytes(pair.chain)
        self.key.write_bytes(pair.key)


class Certbot:
    """Links under live/ into archive/, each unlinked and made anew at a renewal."""

    def __init__(self, directory, pair):
        self.archive = Path(directory) / "archive" / "example.com"
        self.live = Path(directory) / "live" / "example.com"
        self.archive.mkdir(parents=True)
        self.live.mkdir(parents=True)
        self.certificate, self.key = self.live / "fullchain.pem", self.live / "privkey.pem"
        self.generation = 0
        self.replace(pair)

    def replace(self, pair):
        self.generation += 1
        for link, content in ((self.key, pair.key), (self.certificate, pair.chain)):
            target = self.archive / f"{link.stem}{self.generation}.pem"
            target.write_bytes(content)
        for link in (self.certificate, self.key):
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/example.com/{link.stem}{self.generation}.pem")


class KubernetesSecret:
    """A mounted secret: `..data` is a link that is swapped to a new directory at once."""

    def __init__(self, directory, pair):
        self.mount = Path(directory) / "secret"
        self.mount.mkdir()
        self.certificate, self.key = self.mount / "tls.crt", self.mount / "tls.key"
        self.generation = 0
        self.replace(pair)
        for link in (self.certificate, self.key):
            link.symlink_to(f"..data/{link.name}")

    def replace(self, pair):
        data = self.mount / "..data"
        old = data.resolve() if data.exists() else None
        self.generation += 1
        new = self.mount / f"..2026_11_22_{self.generation}"
        new.mkdir()
        (new / "tls.crt").write_bytes(pair.chain)
        (new / "tls.key").write_bytes(pair.key)
        swap = self.mount / "..data_tmp"
        swap.symlink_to(new.name)
        os.rename(swap, data)
        if old:
            for file in old.iterdir():
                file.unlink()
            old.rmdir()


WAYS_THAT_FILES_CHANGE = (RenamedOver, WrittenInPlace, Certbot, KubernetesSecret)
