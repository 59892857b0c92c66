"""What the Domain Name System can do wrong with names and addresses."""

from world.domains import UNKNOWN, case, error, warning
from world.internet import DNS, HOME, PRIVATE, SILENT


@case(
    error(
        "name_not_found",
        "example.com: there is no such name in the DNS",
        "correct the name, or add an A or AAAA record for it",
    ),
    step="6",
)
def no_such_name(domain):
    domain.records.clear()


@case(
    error(
        "no_address",
        "example.com: the name has no address to connect to",
        "correct the name, or add an A or AAAA record for it",
    ),
    step="6",
)
def name_without_address(domain):
    domain.records.clear()
    domain.record(domain.name, "TXT nothing")


@case(
    error(
        "dns_failed",
        "example.com: the DNS servers could not answer",
        "check this machine's connection and the domain's DNS servers, or ask another one with",
    ),
    step=None,
    verdict=UNKNOWN,
)
def dns_server_fails(domain):
    domain.records.clear()
    domain.failing.append(domain.name)


@case(
    error("dns_failed", "example.com: no DNS server answered in time"),
    step=None,
    verdict=UNKNOWN,
    arguments=["--dns", SILENT, "--timeout", "1"],
)
def dns_server_is_silent(domain):
    domain.records.clear()


@case(
    error(
        "srv_failed",
        "_matrix-fed._tcp.matrix.example.com: the DNS servers could not answer",
        "check the domain's DNS servers: homeservers ask them for SRV records",
    ),
    step=None,
    verdict=UNKNOWN,
)
def srv_question_fails(domain):
    domain.delegate(domain.matrix)
    domain.failing.append(f"_tcp.{domain.matrix}")


@case(
    error("dns_failed", "example.com: the DNS answer is malformed, or its CNAMEs form a loop"),
    step=None,
    verdict=UNKNOWN,
)
def cname_that_leads_to_itself(domain):
    domain.records.clear()
    domain.record(domain.name, f"CNAME {domain.matrix}")
    domain.record(domain.matrix, f"CNAME {domain.name}")


@case(
    error("name_not_found", "matrix.example.com: there is no such name in the DNS"),
    arguments=["--no-client"],
)
def delegated_to_no_such_name(domain):
    domain.addresses(domain.matrix)


@case(
    warning(
        "address_private",
        "this is a private address",
        "other servers cannot reach it: give the name a public address",
    ),
)
def private_address(domain):
    domain.addresses(domain.matrix, PRIVATE[0])


@case(
    error(
        "address_local",
        "this address is loopback, link-local or reserved, so nothing was sent there",
        "give the name an address that others can reach",
    ),
    error(
        "address_local",
        "base_url https://matrix.example.com:8448: its host's address is loopback, link-local or reserved",
    ),
)
def address_of_every_machine(domain):
    domain.addresses(domain.matrix, "127.0.0.1")


@case(
    error(
        "address_local",
        "this address is loopback, link-local or reserved, so nothing was sent there",
        times=16,
    ),
    warning(
        "too_many_addresses",
        "matrix.example.com: it has more than 16 addresses of one family",
        "only 16 of them were checked: remove some",
    ),
    arguments=["--no-client"],
)
def more_addresses_than_are_tried(domain):
    domain.addresses(domain.matrix, *[f"127.0.0.{number}" for number in range(1, 18)])


@case(
    warning(
        "no_route",
        "this machine has no route to that address, so it was not checked",
        "run the check on a machine that has that IP family, or leave the family out with -4 or -6",
    ),
)
def homeserver_behind_a_network_without_route(domain):
    domain.alone()
    domain.addresses(domain.matrix, HOME[0], "2001:db8:1::20")


@case(
    warning("no_route", "this machine has no route to that address, so it was not checked"),
    step=None,
    verdict=UNKNOWN,
    arguments=["--no-client"],
)
def document_behind_a_network_without_route(domain):
    domain.addresses(domain.name, "2001:db8:1::12")
