"""What the files of one domain may cost all others: long keys, long chains, many names."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from harness.certificates import RenamedOver
from harness.challenges import asking, challenge_pair, write_challenge
from harness.daemon import HTTPS, SERVER_OPTION
from harness.odd_keys import damaged_key, key_with_long_exponent, mersenne_key
from harness.wire import trusting_anyone


def names(count, length=0):
    return [f"{number}".rjust(length, "n") + ".bad.example" for number in range(count)]


def with_key(make):
    return lambda authority: authority.issue("bad.example", key=make())


def with_names(*arguments):
    return lambda authority: authority.issue("bad.example", *names(*arguments))


REFUSED = {
    "RSA of 41638 bits": (with_key(lambda: mersenne_key(21701, 19937, 19)), "41638 bits"),
    "RSA of 8676 bits": (with_key(lambda: mersenne_key(4423, 4253, 19)), "8676 bits"),
    "RSA with unlike primes": (with_key(lambda: mersenne_key(521, 4423, 19)), "primes"),
    "RSA with a long exponent": (with_key(key_with_long_exponent), "exponent"),
    "RSA with a wrong number": (with_key(damaged_key), "damaged"),
    "DSA": (with_key(lambda: dsa.generate_private_key(2048)), "DSA"),
    "Ed448": (with_key(ed448.Ed448PrivateKey.generate), "Ed448"),
    "P-224": (with_key(lambda: ec.generate_private_key(ec.SECP224R1())), "224 bits"),
    "a chain of 11": (lambda authority: authority.issue_deep("bad.example", 11), "than 10 cert"),
    "501 names": (with_names(500), "501 names"),
    "8000 names": (with_names(8000), "32768 bytes"),
    "40 KB of names": (with_names(450, 80), "32768 bytes"),
}
TAKEN = {
    "RSA of 7640 bits": with_key(lambda: mersenne_key(3217, 4423, 19)),
    "RSA of 1024 bits": with_key(lambda: rsa.generate_private_key(3, 1024)),
    "Ed25519": with_key(ed25519.Ed25519PrivateKey.generate),
    "P-384": with_key(lambda: ec.generate_private_key(ec.SECP384R1())),
    "P-521": with_key(lambda: ec.generate_private_key(ec.SECP521R1())),
    "a chain of 10": lambda authority: authority.issue_deep("bad.example", 10),
    "500 names": with_names(499),
}


@pytest.fixture
def served(start, site, authority, tmp_path):
    """A daemon with two domains, each with a good pair; the files of the second."""
    (tmp_path / "bad").mkdir()
    files = RenamedOver(tmp_path / "bad", authority.issue("bad.example"))
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        domain "example.com" {{ server = "m.example:1"
            {site.settings(tmp_path)} }}
        domain "bad.example" {{ server = "m.example:2"
            certificate = "{files.certificate}"
            key = "{files.key}" }}
        """
    )
    return daemon, files


@pytest.mark.parametrize("kind", REFUSED)
def test_a_pair_that_would_cost_too_much_is_refused_and_the_old_one_goes_on(
    served, authority, kind
):
    daemon, files = served
    make, reason = REFUSED[kind]
    before = daemon.https[0].certificate("bad.example", trusting_anyone())
    files.replace(make(authority))
    refusal = daemon.wait_for_log(f"bad/site.*{reason}")
    assert "the certificate in use goes on" in refusal
    assert daemon.https[0].certificate("bad.example", trusting_anyone()) == before
    assert daemon.https[0].get().status == 200


@pytest.mark.parametrize("kind", ("RSA of 41638 bits", "a chain of 11", "8000 names"))
def test_at_the_start_only_that_domain_goes_without(start, authority, site, tmp_path, kind):
    make, reason = REFUSED[kind]
    daemon = start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        domain "example.com" {{ server = "m.example:1"
            {site.settings(tmp_path)} }}
        domain "bad.example" {{ server = "m.example:2"
            {make(authority).settings(tmp_path, "bad")} }}
        """
    )
    daemon.wait_for_log(f"bad\\.(pem|key): .*{reason}")
    assert daemon.https[0].get().status == 200
    with pytest.raises(OSError):
        daemon.https[0].certificate("bad.example", trusting_anyone())


@pytest.mark.parametrize("kind", TAKEN)
def test_a_pair_within_the_bounds_is_taken(served, authority, kind):
    daemon, files = served
    pair = TAKEN[kind](authority)
    files.replace(pair)
    daemon.wait_for_log("bad/site.pem: new certificate in use")
    assert daemon.https[0].certificate("bad.example", trusting_anyone()) == pair.leaf


def test_a_challenge_is_bounded_as_a_certificate_is(start, site, tmp_path):
    """Challenges are read by the thread that serves, for whoever asks."""
    challenges = tmp_path / "challenges"
    challenges.mkdir()
    daemon = start(
        *SERVER_OPTION, *HTTPS, *site.options(tmp_path), "--acme-alpn-dir", challenges
    )
    certificate, _ = challenge_pair("example.com")
    key = mersenne_key(4423, 4253, 19).private_bytes()
    write_challenge(challenges, "example.com", (certificate, key))
    with pytest.raises(OSError):
        daemon.https[0].connect("example.com", asking())
    daemon.wait_for_log(r"example\.com\.key\.pem: .*8676 bits")
    assert daemon.https[0].get().status == 200
