"""A TLS client that decides which bytes make a record and which records a segment.

GnuTLS, by ctypes: Python's ssl sends neither empty records nor KeyUpdate messages, and no handshake
messages of our own. What is "sent" is collected, and goes out in one segment with `flush`.
"""

import ctypes
import ctypes.util
import struct

GNUTLS_CLIENT = 2
SERVER_NAME_DNS = 1
CREDENTIALS_CERTIFICATE = 1
AGAIN, INTERRUPTED = -28, -52
HANDSHAKE, APPLICATION_DATA = 22, 23
TLS13 = b"NONE:+VERS-TLS1.3:+AES-128-GCM:+AEAD:+GROUP-X25519:+SIGN-ALL:+CTYPE-X509:+ECDHE-ECDSA"
TLS12 = b"NONE:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+GROUP-X25519:+SIGN-ALL:+CTYPE-X509:+ECDHE-ECDSA"

PUSH = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
PULL = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint)]

    @classmethod
    def of(cls, content):
        return cls(ctypes.cast(ctypes.create_string_buffer(content), ctypes.c_void_p), len(content))

    @property
    def content(self):
        return ctypes.string_at(self.data, self.size)


def library():
    gnutls = ctypes.CDLL(ctypes.util.find_library("gnutls"))
    gnutls.gnutls_record_recv.restype = ctypes.c_ssize_t
    gnutls.gnutls_record_send.restype = ctypes.c_ssize_t
    gnutls.gnutls_strerror.restype = ctypes.c_char_p
    return gnutls


class TlsError(Exception):
    """GnuTLS reports an error; `alert` is the alert that the daemon sent, if it did."""

    def __init__(self, gnutls, session, status):
        self.alert = gnutls.gnutls_alert_get(session) if status in (-12, -16) else None
        super().__init__(f"{gnutls.gnutls_strerror(status).decode()} (alert {self.alert})")


class TlsPeer:
    """A client after its handshake, on a connected socket that it takes over."""

    def __init__(self, plain, server_name="example.com", priorities=TLS13):
        self.plain = plain
        self.gnutls = library()
        self.outgoing = bytearray()
        self.session = ctypes.c_void_p()
        self._credentials = ctypes.c_void_p()
        self._push, self._pull = PUSH(self._collect), PULL(self._receive)
        self._sequence = None
        name = server_name.encode()
        self._check(self.gnutls.gnutls_init(ctypes.byref(self.session), GNUTLS_CLIENT))
        self._check(
            self.gnutls.gnutls_certificate_allocate_credentials(ctypes.byref(self._credentials))
        )
        self._check(self.gnutls.gnutls_priority_set_direct(self.session, priorities, None))
        self._check(
            self.gnutls.gnutls_credentials_set(
                self.session, CREDENTIALS_CERTIFICATE, self._credentials
            )
        )
        self._check(
            self.gnutls.gnutls_server_name_set(
                self.session, SERVER_NAME_DNS, name, ctypes.c_size_t(len(name))
            )
        )
        self.gnutls.gnutls_transport_set_push_function(self.session, self._push)
        self.gnutls.gnutls_transport_set_pull_function(self.session, self._pull)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session:
            self.gnutls.gnutls_deinit(self.session)
            self.gnutls.gnutls_certificate_free_credentials(self._credentials)
            self.session = None
        self.plain.close()

    def handshake(self):
        self._check(self._again(lambda: self.gnutls.gnutls_handshake(self.session)))
        return self

    def flush(self):
        """Sends what was collected, in one segment where it fits."""
        sent, self.outgoing = bytes(self.outgoing), bytearray()
        self.plain.sendall(sent)

    def data(self, content):
        """A record of application data."""
        size = ctypes.c_size_t(len(content))
        self._check(self.gnutls.gnutls_record_send(self.session, content, size))

    def empty_record(self):
        self.record(APPLICATION_DATA, b"")

    def key_update(self, ask_for_theirs=False):
        self._check(self.gnutls.gnutls_session_key_update(self.session, int(ask_for_theirs)))

    def record(self, kind, content, padding=0):
        """A TLS 1.3 record of any kind with any content, protected with the session's keys."""
        key, nonce = self._write_state()
        inner = content + bytes([kind]) + bytes(padding)
        header = struct.pack("!BHH", APPLICATION_DATA, 0x0303, len(inner) + 16)
        nonce = (int.from_bytes(nonce, "big") ^ self._sequence).to_bytes(12, "big")
        self._sequence += 1
        self.outgoing += header + self._sealed(key, nonce, header, inner)
        sequence = struct.pack("!Q", self._sequence)
        self._check(self.gnutls.gnutls_record_set_state(self.session, 0, sequence))

    def read(self, size=65536):
        """What the daemon sends next; b"" at its end."""
        buffer = ctypes.create_string_buffer(size)
        count = self._check(
            self._again(
                lambda: self.gnutls.gnutls_record_recv(self.session, buffer, ctypes.c_size_t(size))
            )
        )
        return buffer.raw[:count]

    def read_answer(self):
        """All of the next answer, which has a body of known length."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(body) < length:
            body += self._more()
        return head, body

    def _more(self):
        chunk = self.read()
        assert chunk, "the daemon closed the connection before its answer was whole"
        return chunk

    def _write_state(self):
        mac, nonce, key = Datum(), Datum(), Datum()
        sequence = ctypes.create_string_buffer(8)
        self._check(
            self.gnutls.gnutls_record_get_state(
                self.session, 0, ctypes.byref(mac), ctypes.byref(nonce), ctypes.byref(key), sequence
            )
        )
        self._sequence = int.from_bytes(sequence.raw[:8], "big")
        return key.content, nonce.content

    def _sealed(self, key, nonce, header, inner):
        cipher, key_datum = ctypes.c_void_p(), Datum.of(key)
        sealed = ctypes.create_string_buffer(len(inner) + 16)
        size = ctypes.c_size_t(len(sealed))
        self._check(
            self.gnutls.gnutls_aead_cipher_init(
                ctypes.byref(cipher), CIPHER, ctypes.byref(key_datum)
            )
        )
        self._check(
            self.gnutls.gnutls_aead_cipher_encrypt(
                cipher,
                nonce,
                ctypes.c_size_t(12),
                header,
                ctypes.c_size_t(len(header)),
                ctypes.c_size_t(16),
                inner,
                ctypes.c_size_t(len(inner)),
                sealed,
                ctypes.byref(size),
            )
        )
        self.gnutls.gnutls_aead_cipher_deinit(cipher)
        return sealed.raw[: size.value]

    def _collect(self, _, data, size):
        self.outgoing += ctypes.string_at(data, size)
        return size

    def _receive(self, _, data, size):
        if self.outgoing:
            self.flush()
        try:
            received = self.plain.recv(size)
        except OSError:
            return -1
        ctypes.memmove(data, received, len(received))
        return len(received)

    def _again(self, function):
        status = function()
        while status in (AGAIN, INTERRUPTED):
            status = function()
        return status

    def _check(self, status):
        if status < 0:
            raise TlsError(self.gnutls, self.session, status)
        return status


CIPHER = library().gnutls_cipher_get_id(b"AES-128-GCM")
