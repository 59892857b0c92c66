"""SRV records, used or left over."""

from world.domains import case, error, warning
from world.internet import DAEMON


@case(
    warning(
        "srv_target_cname",
        "alias.example.com: the target of an SRV record is a CNAME",
        "let the SRV record name the host itself: RFC 2782 forbids a CNAME there, and some",
    ),
    step="4",
)
def srv_target_is_a_cname(domain):
    domain.without_document()
    domain.alone()
    domain.srv(domain.name, f"alias.{domain.name}")
    domain.record(f"alias.{domain.name}", f"CNAME {domain.matrix}")


@case(
    error(
        "srv_target_unresolved",
        "gone.example.com: the target of an SRV record has no address",
        "add an A or AAAA record for it, or remove the SRV record",
    ),
    step="4",
)
def srv_target_without_address(domain):
    domain.without_document()
    domain.alone()
    domain.srv(domain.name, f"gone.{domain.name}")
    domain.srv(domain.name, domain.matrix, service="_matrix")


@case(
    error(
        "srv_target_invalid",
        "matrix.example.com: the port is 0",
        "give the SRV record the port that the homeserver has",
    ),
    step="4",
)
def srv_with_port_0(domain):
    domain.without_document()
    domain.alone()
    domain.srv(domain.name, domain.matrix, 0)


@case(
    error(
        "srv_target_invalid",
        "the target of an SRV record is an IP address",
        "name a host that has that address",
    ),
    step="4",
)
def srv_to_an_ip_address(domain):
    domain.without_document()
    domain.alone()
    domain.srv(domain.name, "127.0.0.1")


@case(
    error("srv_target_unresolved", "the target of an SRV record has no address", times=16),
    warning(
        "srv_too_many",
        "_matrix-fed._tcp.example.com: there are more than 16 SRV records",
        "only 16 of them were checked: remove some",
    ),
    step="4",
)
def more_srv_records_than_are_tried(domain):
    domain.without_document()
    domain.alone()
    for number in range(17):
        domain.srv(domain.name, f"gone{number:02}.{domain.name}")


@case(
    error(
        "srv_not_offered",
        "_matrix-fed._tcp.example.com says that there is no Matrix server: its target is \".\"",
        "remove the record, or point it at the homeserver's host",
    ),
    step="4",
)
def srv_says_no_service(domain):
    domain.without_document()
    domain.alone()
    domain.srv(domain.name, ".", 0)


@case(
    error(
        "certificate_name_srv",
        "the certificate is for matrix.example.com, not for example.com",
        "an SRV record changes the address and the port, never the name: use a certificate for",
    ),
    step="4",
)
def srv_with_the_targets_certificate(domain):
    domain.without_document()
    domain.alone()
    domain.home.certificate(domain.matrix)
    domain.srv(domain.name, domain.matrix)


@case(
    warning("srv_deprecated", "_matrix._tcp.example.com: this service name is deprecated"),
    warning(
        "srv_points_elsewhere",
        "old.example.com: the SRV record leads to a different machine than the document",
        "remove the old SRV record, or point it at the same homeserver",
    ),
)
def stale_srv_to_another_machine(domain):
    domain.alone()
    domain.srv(domain.name, f"old.{domain.name}", service="_matrix")
    domain.addresses(f"old.{domain.name}", DAEMON[0])


@case(
    warning(
        "srv_target_unresolved",
        "old.example.com: the target of an SRV record has no address",
    ),
)
def stale_srv_to_no_such_host(domain):
    domain.alone()
    domain.srv(domain.name, f"old.{domain.name}")
