"""Self-signed certificates, made once and kept under the build directory."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

TREE_NAME = "d{:05}.bench.example"


def new_key(kind):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def write_pair(folder, name, kind="ecdsa"):
    """Writes fullchain.pem, privkey.pem and both.pem (for HAProxy) for one name."""
    folder.mkdir(parents=True, exist_ok=True)
    key = new_key(kind)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for file, data in [
        ("fullchain.pem", chain),
        ("privkey.pem", private),
        ("both.pem", chain + private),
    ]:
        temporary = folder / (file + ".new")
        temporary.write_bytes(data)
        temporary.rename(folder / file)


def pair(work, kind="ecdsa"):
    """The folder of the certificate for example.com."""
    folder = work / f"certificate-{kind}"
    if not (folder / "both.pem").exists():
        write_pair(folder, "example.com", kind)
    return folder


def is_complete(folder, count):
    stamp = folder / "complete"
    fresh = stamp.exists() and datetime.datetime.now().timestamp() - stamp.stat().st_mtime < 300e5
    return fresh and stamp.read_text() == str(count)


def tree_with_certificates(work, count):
    """A folder with live/NAME/ and a domains.d/NAME.conf for each of `count` names."""
    folder = work / f"own-certificates-{count}"
    if is_complete(folder, count):
        return folder
    domains = folder / "domains.d"
    domains.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        name = TREE_NAME.format(i)
        live = folder / "live" / name
        write_pair(live, name)
        (live / "both.pem").unlink()
        (domains / f"{name}.conf").write_text(
            f'domain "{name}" {{\n    server = "matrix.example.com:8448"\n'
            f'    certificate = "{live}/fullchain.pem"\n    key = "{live}/privkey.pem"\n}}\n'
        )
    (folder / "complete").write_text(str(count))
    return folder


def tree_without_certificates(work, count):
    """A folder with a domains.d/NAME.conf for each of `count` names."""
    folder = work / f"one-certificate-{count}"
    if is_complete(folder, count):
        return folder
    domains = folder / "domains.d"
    domains.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        name = TREE_NAME.format(i)
        Path(domains / f"{name}.conf").write_text(
            f'domain "{name}" {{\n    server = "matrix.example.com:8448"\n}}\n'
        )
    (folder / "complete").write_text(str(count))
    return folder
