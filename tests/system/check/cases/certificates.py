"""What can be wrong with the homeserver's certificate."""

from world.domains import BRIEF, case, error, warning


@case(
    error(
        "certificate_name",
        "the certificate is for \\x1B[2Jother.example, b.example, c.example, d.example and 1",
    ),
    arguments=BRIEF,
)
def certificate_for_another_name(domain):
    domain.alone()
    domain.home.certificate("\x1b[2Jother.example", "b.example", "c.example", "d.example", "e.example")


@case(
    error(
        "certificate_expired",
        "the certificate expired 2 days ago",
        "renew the certificate, and have the server load the new one",
    ),
    arguments=BRIEF,
)
def certificate_has_expired(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, days=(-90, -3))


@case(
    error(
        "certificate_not_yet_valid",
        "the certificate is not valid yet",
        "correct the clock of this machine, or of the one that made the certificate",
    ),
    arguments=BRIEF,
)
def certificate_of_tomorrow(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, days=(1, 90))


@case(
    error(
        "certificate_self_signed",
        "the certificate is self-signed",
        "other servers refuse it: get one from a public CA, for example Let's Encrypt",
    ),
    arguments=BRIEF,
)
def certificate_is_self_signed(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="self_signed")


@case(
    error(
        "certificate_chain",
        "the server sends only its own certificate, and the CA that signed it is unknown",
        "have it send the intermediate certificates too: use fullchain.pem rather than cert.pem",
    ),
    arguments=BRIEF,
)
def certificate_without_its_intermediate(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="chain")


@case(
    error(
        "certificate_untrusted",
        "the certificate is not signed by a CA that this machine trusts",
        "get one from a public CA, for example Let's Encrypt",
    ),
    arguments=BRIEF,
)
def certificate_of_an_unknown_ca(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, authority="unknown")


@case(
    error(
        "certificate_name",
        "the certificate has the name matrix.example.com only as common name, which homeservers",
        "get a certificate with matrix.example.com as subject alternative name",
    ),
    arguments=BRIEF,
)
def certificate_with_a_common_name_only(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="common_name")


@case(
    error(
        "certificate_weak",
        "the certificate uses an algorithm that is no longer trusted",
        "get a new one with an ECDSA P-256 or RSA 2048 key and SHA-256",
    ),
    arguments=BRIEF,
)
def certificate_signed_with_sha_1(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="sha_1")


@case(
    error(
        "certificate_purpose",
        "the certificate is not meant for servers",
        "get one with the extended key usage \"TLS server\"",
    ),
    arguments=BRIEF,
)
def certificate_for_clients(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="purpose")


@case(
    warning(
        "certificate_expires_soon",
        "the certificate expires in 5 days",
        "check that its renewal runs, and that the server loads the new one",
    ),
    arguments=BRIEF,
)
def certificate_ends_soon(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, days=(-85, 5))


# Chains that OpenSSL, GnuTLS and Go accept, with what should not be there or not so


@case(arguments=BRIEF)
def chain_with_the_root(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="with_root")


@case(arguments=BRIEF)
def chain_with_an_intermediate_twice(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="doubled")


@case(arguments=BRIEF)
def chain_out_of_order(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="out_of_order")


@case(arguments=BRIEF)
def chain_with_an_expired_cross_signed_root(domain):
    """As Let's Encrypt's, after DST Root CA X3 had expired (synapse#10949)."""
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="cross_signed")


@case(arguments=BRIEF)
def chain_with_a_superfluous_intermediate(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="superfluous")


@case(
    error("certificate_expired", "an intermediate certificate has expired"),
    arguments=BRIEF,
)
def chain_with_an_expired_intermediate(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="expired_intermediate")


@case(
    error(
        "certificate_untrusted",
        "the certificate is not signed by a CA that this machine trusts",
    ),
    arguments=BRIEF,
)
def chain_with_the_wrong_intermediate(domain):
    domain.alone()
    domain.home.certificate(domain.matrix, flaw="wrong_intermediate")
