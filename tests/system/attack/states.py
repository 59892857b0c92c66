"""The states in which attacker.c can hold a connection."""

BEFORE_THE_HANDSHAKE = (
    "silent", "half-hello", "dripped-hello", "hello", "hello-retry", "endless-hello",
    "endless-key-exchange",
)  # fmt: skip
IN_TLS = ("handshake", "handshakes", "key-updates", "empty-records", "renegotiations")
IN_HTTP = (
    "half-line", "dripped-headers", "8-kib-of-headers", "body-to-come", "dripped-body", "chunks",
    "pipeline-unread", "read-by-bytes", "kept",
)  # fmt: skip
LEAVING = ("resets", "half-closes")
ANYWHERE = ("silent", *IN_HTTP, *LEAVING)
ON_HTTPS = (*BEFORE_THE_HANDSHAKE, *IN_TLS, *IN_HTTP, *LEAVING, "plain-to-tls")
