"""Attempts to lead the tester into its own machine, which has traps on its ports."""

from world.domains import (
    CLIENT,
    SERVER,
    SUPPORT,
    UNKNOWN,
    WORKS,
    Site,
    case,
    error,
    page,
    redirect,
    warning,
)
from world.internet import HOME, ODD, PRIVATE, REBINDING_DNS, ROUTED, TESTER

DOCUMENTS = (SERVER, CLIENT, SUPPORT)
BAIT = "/admin/restart"


def redirects_all(domain, url):
    for path in DOCUMENTS:
        domain.apex.routes[path] = redirect(url)


@case(
    error(
        "address_local",
        "this address is loopback, link-local or reserved, so nothing was sent there",
    ),
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    warning(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    step="4",
    verdict=WORKS,
)
def first_address_is_localhost(domain):
    """What the first address may be sent to is not what the one that answers may say."""
    domain.falls_back()
    domain.addresses(domain.name, "127.0.0.1", ODD[0])
    redirects_all(domain, f"http://127.0.0.1:8080{BAIT}")


@case(
    error(
        "address_local",
        "this address is loopback, link-local or reserved, so nothing was sent there",
    ),
    warning(
        "connection_refused",
        "the connection is refused, after a redirect to http://example.com:8080/admin/restart",
        times=2,
    ),
    step="4",
    verdict=WORKS,
)
def first_address_is_localhost_and_the_redirect_stays_on_the_host(domain):
    """The redirect is followed, to the address that sent it."""
    domain.falls_back()
    domain.addresses(domain.name, "127.0.0.1", ODD[0])
    redirects_all(domain, f"http://{domain.name}:8080{BAIT}")


@case(
    warning(
        "address_own",
        "redirects to the machine that runs the check; such a redirect is not followed:",
        "run the check on another machine",
        times=2,
    ),
    step=None,
    verdict=UNKNOWN,
)
def redirects_to_the_testers_own_address(domain):
    domain.falls_back()
    redirects_all(domain, f"http://{TESTER[0]}:8080{BAIT}")


@case(
    warning(
        "address_own",
        "redirects to the machine that runs the check; such a redirect is not followed:",
        times=2,
    ),
    step=None,
    verdict=UNKNOWN,
)
def redirects_to_a_name_of_the_testers_own_address(domain):
    domain.falls_back()
    domain.addresses(f"trap.{domain.name}", TESTER[0], ODD[0])
    redirects_all(domain, f"http://trap.{domain.name}:8080{BAIT}")


@case(
    warning(
        "address_own",
        "redirects to the machine that runs the check; such a redirect is not followed:",
        times=2,
    ),
    step=None,
    verdict=UNKNOWN,
)
def redirects_to_the_testers_own_ipv6_address(domain):
    domain.falls_back()
    redirects_all(domain, f"http://[{TESTER[1]}]:8080{BAIT}")


@case(
    warning(
        "address_own",
        "redirects to the machine that runs the check; such a redirect is not followed:",
        times=2,
    ),
    step=None,
    verdict=UNKNOWN,
)
def redirects_to_an_address_that_is_routed_to_the_tester(domain):
    domain.falls_back()
    redirects_all(domain, f"http://{ROUTED}:8080{BAIT}")


@case(
    warning(
        "address_own",
        "redirects to the machine that runs the check; such a redirect is not followed:",
        times=2,
    ),
    step=None,
    verdict=UNKNOWN,
)
def redirects_to_the_testers_own_address_in_ipv6(domain):
    domain.falls_back()
    redirects_all(domain, f"http://[::ffff:{TESTER[0]}]:8080{BAIT}")


@case(
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    warning(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_to_localhost_behind_nat64(domain):
    domain.falls_back()
    redirects_all(domain, f"http://[64:ff9b::7f00:1]:8080{BAIT}")


@case(
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    warning(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_to_the_unspecified_address(domain):
    domain.falls_back()
    redirects_all(domain, f"http://0.0.0.0:8080{BAIT}")


@case(
    error(
        "redirect_local",
        "redirects to a private address: http://10.9.8.7:8080/admin/restart",
    ),
    warning(
        "redirect_local",
        "redirects to a private address: http://10.9.8.7:8080/admin/restart",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_into_a_private_network(domain):
    domain.falls_back()
    redirects_all(domain, f"http://{PRIVATE[0]}:8080{BAIT}")


@case(
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    warning(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    step="4",
    verdict=WORKS,
)
def second_redirect_leads_to_localhost(domain):
    domain.falls_back()
    for number, path in enumerate(DOCUMENTS):
        domain.apex.routes[path] = redirect(f"https://{domain.name}/step-{number}")
        domain.apex.routes[f"/step-{number}"] = redirect(f"http://127.0.0.1:8080{BAIT}")


@case(
    error(
        "address_local",
        "this address is loopback, link-local or reserved, so nothing was sent there",
    ),
    error(
        "address_local",
        "base_url https://127.0.0.1:8080: its host's address is loopback, link-local or reserved",
    ),
)
def base_url_of_localhost_where_the_first_address_is_localhost(domain):
    domain.addresses(domain.name, "127.0.0.1", ODD[0])
    domain.addresses(domain.matrix, HOME[0])
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": "https://127.0.0.1:8080"}})


@case(
    error(
        "address_local",
        "this address is loopback, link-local or reserved, so nothing was sent there",
    ),
    error(
        "address_local",
        "base_url https://matrix.example.com:8448: its host's address is loopback, link-local or reserved",
    ),
    step="3.1",
)
def delegated_to_a_literal_of_localhost(domain):
    domain.addresses(domain.name, ODD[0])
    domain.delegate("[::ffff:127.0.0.1]:8448")
    domain.addresses(domain.matrix, "127.0.0.1")


@case(
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved:",
    ),
    error(
        "connection_refused",
        "the connection is refused",
        "start the server there, and have it listen on that address and port; or, if the",
    ),
    step="6",
    arguments=["--no-client", "--dns", REBINDING_DNS],
)
def name_that_resolves_anew_to_localhost(domain):
    """The first answer for again.… leads to a web server, the second one to this machine."""
    again, other = f"again.{domain.name}", f"other.{domain.name}"
    for name, url in (
        (domain.name, f"https://{again}/"),
        (again, f"https://{other}/"),
        (other, f"http://{again}:8080{BAIT}"),
    ):
        site = Site({path: redirect(url) for path in (SERVER, "/")})
        domain.sites["apex", name] = site
