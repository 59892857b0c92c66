"""What a homeserver answers to others, with real signatures."""

import base64
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOREVER = 4102444800000  # the year 2100, in milliseconds
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def public(key):
    return unpadded(
        key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_document(server_name, until=FOREVER, change=None, signer=KEY, after=None):
    """The answer of /_matrix/key/v2/server. `change` alters it before it is signed, `after` does
    so afterwards."""
    document = {
        "server_name": server_name,
        "valid_until_ts": until,
        "verify_keys": {"ed25519:a_1": {"key": public(KEY)}},
        "old_verify_keys": {},
        "note": "élan 𝔐 \u2028 \x7f \"\\",
    }
    if change:
        change(document)
    signature = unpadded(signer.sign(canonical(document)))
    document["signatures"] = {server_name: {"ed25519:a_1": signature}}
    document["unsigned"] = {"age": 1}
    if after:
        after(document)
    return document


VERSION = {"server": {"name": "Dendrite", "version": "0.13.8"}}
UNSIGNED = {"errcode": "M_UNAUTHORIZED", "error": "Missing Authorization header"}
VERSIONS = {"versions": ["r0.6.1", "v1.11"]}
