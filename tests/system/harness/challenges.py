"""Challenges of ACME servers: certificates for tls-alpn-01, and handshakes that ask for them."""

import hashlib
import ssl
import struct
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .certificates import DAY, now, private_key_pem
from .wire import trusting_anyone

PROTOCOL = "acme-tls/1"
ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
KEY_AUTHORIZATION = (
    "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
)


def digest(key_authorization=KEY_AUTHORIZATION):
    return hashlib.sha256(key_authorization.encode()).digest()


def challenge_pair(*names, identifier=b"\x04\x20" + digest(), critical=True):
    """A challenge certificate and its key as PEM; `identifier` None leaves the extension out."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "challenge")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - DAY)
        .not_valid_after(now() + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    )
    if identifier is not None:
        extension = x509.UnrecognizedExtension(ACME_IDENTIFIER, identifier)
        builder = builder.add_extension(extension, critical)
    certificate = builder.sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM), private_key_pem(key)


def write_challenge(directory, name, pair=None):
    """Writes a pair as dehydrated does; returns the certificate."""
    certificate, key = pair or challenge_pair(name)
    (Path(directory) / f"{name}.crt.pem").write_bytes(certificate)
    (Path(directory) / f"{name}.key.pem").write_bytes(key)
    return certificate


def asking(version=None):
    """The context of an ACME server that looks for its challenge."""
    context = trusting_anyone()
    context.set_alpn_protocols([PROTOCOL])
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def challenge_hello(server_name):
    """The first flight of an ACME server that asks for `server_name`, any bytes; None: no SNI."""
    outgoing = ssl.MemoryBIO()
    client = asking().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="placeholder.example")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    at = 5 + 4 + 2 + 32  # after the headers of record and message, the version and the random
    at += 1 + hello[at]  # session
    at += 2 + struct.unpack_from(">H", hello, at)[0]  # cipher suites
    at += 1 + hello[at]  # compression
    extensions = hello[at + 2 :].replace(_sni(b"placeholder.example"), b"")
    if server_name is not None:
        extensions = _sni(server_name) + extensions
    body = hello[9:at] + struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return hello[:3] + struct.pack(">H", len(message)) + message


def _sni(name):
    entry = b"\0" + struct.pack(">H", len(name)) + name
    names = struct.pack(">H", len(entry)) + entry
    return struct.pack(">HH", 0, len(names)) + names


def refusal(endpoint, server_name):
    """How such a handshake is refused: the number of an alert, or "closed"; None: it goes on."""
    with endpoint.open() as plain:
        plain.sendall(challenge_hello(server_name))
        answer = plain.recv(7)
    if answer[:1] == b"\x16":
        return None
    return answer[6] if answer[:1] == b"\x15" else "closed"
