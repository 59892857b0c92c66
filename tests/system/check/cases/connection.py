"""What can be wrong between a server and the homeserver's address."""

from world.domains import BRIEF, case, error, warning
from world.internet import DAEMON, DNS, HOME, ODD, SILENT, TESTER


@case(
    error(
        "connection_refused",
        "the connection is refused",
        "start the server there, and have it listen on that address and port; or correct",
    ),
    arguments=BRIEF,
)
def homeserver_refuses(domain):
    domain.alone()
    domain.delegate(f"{domain.matrix}:9999")


@case(
    error(
        "connection_timeout",
        "nothing answers",
        "open that port in the firewall, or remove the address from the DNS; or correct",
    ),
    arguments=[*BRIEF, "--timeout", "3"],
)
def homeserver_is_silent(domain):
    domain.alone()
    domain.addresses(domain.matrix, SILENT)


@case(warning("connection_refused", "the connection is refused"))
def homeserver_refuses_over_ipv6(domain):
    domain.addresses(domain.matrix, HOME[0], ODD[1])


@case(
    error(
        "certificate_name",
        "the certificate is for other.example, *.other.example, not for matrix.example.com",
        "get a certificate for matrix.example.com, and use it there",
    ),
)
def homeserver_with_wrong_certificate_over_ipv6(domain):
    site = domain.at("home", domain.matrix, HOME[1])
    site.certificate("other.example", "*.other.example")


@case(
    error(
        "connection_refused",
        "the connection is refused",
        "start the server there, and have it listen on that address and port; or give m.server",
    ),
    step="3.5",
    arguments=BRIEF,
)
def m_server_lacks_the_port(domain):
    domain.alone()
    domain.delegate(domain.matrix)
    domain.addresses(domain.matrix, DAEMON[0])


@case(
    error(
        "tls_failed",
        "the TLS handshake fails",
        "plain HTTP answers there: enable TLS on that port, or give another one",
    ),
    arguments=BRIEF,
)
def homeserver_without_tls(domain):
    domain.alone()
    domain.delegate(f"{domain.matrix}:8008")


@case(
    error("answer_timeout", "the connection is accepted, but no complete answer arrives in time"),
    arguments=[*BRIEF, "--timeout", "3"],
)
def homeserver_never_shakes_hands(domain):
    domain.alone()
    domain.delegate(f"{domain.matrix}:8007")


@case(
    error(
        "tls_failed",
        "the TLS handshake fails",
        "enable TLS 1.2 or 1.3 on the server, with a certificate for matrix.example.com",
    ),
    arguments=BRIEF,
)
def homeserver_on_the_testers_machine(domain):
    """A public address that DNS records lead to may be this machine's; it is asked."""
    domain.alone()
    domain.addresses(domain.matrix, TESTER[0])


@case(error("tls_failed", "the TLS handshake fails"), arguments=BRIEF)
def homeserver_knows_no_such_name(domain):
    domain.alone()
    del domain.sites["home", domain.matrix]
