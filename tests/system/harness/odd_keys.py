"""Private keys that no program makes: too long, too slow, or with numbers that do not fit."""

import base64

from cryptography.hazmat.primitives.asymmetric import rsa


def _length(size):
    if size < 0x80:
        return bytes([size])
    count = (size.bit_length() + 7) // 8
    return bytes([0x80 | count]) + size.to_bytes(count, "big")


def _integer(value):
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + _length(len(content)) + content


class RsaKey:
    """An RSA key of any numbers, with what the tests use of a private key of `cryptography`, which
    refuses these: so does OpenSSL behind it."""

    def __init__(self, p, q, e, damage=0):
        d = pow(e, -1, (p - 1) * (q - 1))
        self.public = rsa.RSAPublicNumbers(e, p * q)
        self.numbers = (0, p * q, e, d, p + damage, q, d % (p - 1), d % (q - 1), pow(q, -1, p))

    def public_key(self):
        return self.public.public_key()

    def private_bytes(self, *_):
        """PKCS#1 (RFC 8017, appendix A.1.2) as PEM."""
        content = b"".join(_integer(number) for number in self.numbers)
        text = base64.encodebytes(b"\x30" + _length(len(content)) + content)
        return b"-----BEGIN RSA PRIVATE KEY-----\n" + text + b"-----END RSA PRIVATE KEY-----\n"


def mersenne_key(p, q, e):
    """Of the primes 2**p - 1 and 2**q - 1, which need not be searched for; it has p + q bits."""
    return RsaKey(2**p - 1, 2**q - 1, e)


def _ordinary():
    numbers = rsa.generate_private_key(65537, 2048).private_numbers()
    return numbers.p, numbers.q


def key_with_long_exponent():
    """e has 127 bits; verifying one signature takes as long as a hundred."""
    return RsaKey(*_ordinary(), 2**127 - 1)


def damaged_key():
    return RsaKey(*_ordinary(), 65537, damage=2)
