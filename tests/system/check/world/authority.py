"""A certificate authority, and the ways in which a certificate can be wrong."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
# Half a day more than a number of days, so that a test run does not see the number change.
HALF = datetime.timedelta(hours=12)


# What follows the leaf in odd chains.
CHAINS = {
    "with_root": ["intermediate", "root"],
    "doubled": ["intermediate", "intermediate"],
    "out_of_order": ["root", "intermediate"],
    "cross_signed": ["intermediate", "cross_signed"],
    "superfluous": ["intermediate", "wrong_intermediate"],
    "wrong_intermediate": ["wrong_intermediate"],
    "expired_intermediate": ["expired_intermediate"],
}


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """A root, and an intermediate that issues what servers show."""

    def __init__(self, directory, title="Test"):
        self.directory = directory
        self.title = title
        self._now = datetime.datetime.utcnow()
        root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        root = self._sign(f"{title} Root", root_key, f"{title} Root", root_key, ca=True)
        self._intermediate = self._sign(
            f"{title} Intermediate", self._key, f"{title} Root", root_key, ca=True
        )
        self._root = root
        old_key = ec.generate_private_key(ec.SECP256R1())
        self._wrong_intermediate = self._sign(
            f"{title} Other Intermediate", old_key, f"{title} Root", root_key, ca=True
        )
        self._expired_intermediate = self._sign(
            f"{title} Intermediate", self._key, f"{title} Root", root_key, ca=True, days=(-365, -2)
        )
        # The same root once more, signed by an older one that has expired since.
        self._cross_signed = self._sign(
            f"{title} Root", root_key, f"{title} Old Root", old_key, ca=True, days=(-365, -2)
        )
        self.file = directory / f"{title}.pem"
        self.file.write_bytes(self._pem(root))
        self.key_file = directory / f"{title}.key"
        self.key_file.write_bytes(
            self._leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @staticmethod
    def _pem(certificate):
        return certificate.public_bytes(serialization.Encoding.PEM)

    def _sign(self, subject, key, issuer, issuer_key, ca=False, names=(), days=(-1, 365), usage=None,
              digest=None):
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now + days[0] * DAY)
            .not_valid_after(self._now + days[1] * DAY + HALF)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return builder.sign(issuer_key, digest or hashes.SHA256())

    def issue(self, *names, days=(-1, 90), flaw=None):
        """Writes a chain for these names; returns its path and the key's. `flaw`: self_signed,
        chain (the leaf alone), common_name (no alternative names), purpose (for clients), sha_1; or
        one of CHAINS."""
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        if flaw == "purpose":
            usage = ExtendedKeyUsageOID.CLIENT_AUTH
        issuer, issuer_key = f"{self.title} Intermediate", self._key
        if flaw == "self_signed":
            issuer, issuer_key = names[0], self._leaf_key
        leaf = self._sign(
            names[0],
            self._leaf_key,
            issuer,
            issuer_key,
            names=() if flaw == "common_name" else names,
            days=days,
            usage=usage,
            digest=hashes.SHA1() if flaw == "sha_1" else None,
        )
        chain = self._pem(leaf)
        if flaw in CHAINS:
            parts = [leaf, *(getattr(self, f"_{name}") for name in CHAINS[flaw])]
            chain = b"".join(self._pem(part) for part in parts)
        elif flaw not in ("self_signed", "chain"):
            chain += self._pem(self._intermediate)
        number = len(list(self.directory.glob("*.chain")))
        file = self.directory / f"{number}.chain"
        file.write_bytes(chain)
        return str(file), str(self.key_file)
