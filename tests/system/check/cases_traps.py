"""Cases that try to lead the tester into its own machine, which has traps on its ports."""

from internet import HOME, ODD, PRIVATE, REBINDING_DNS, ROUTED, TESTER
from world import CLIENT, SERVER, SUPPORT, Site, case, page, redirect

DOCUMENTS = (SERVER, CLIENT, SUPPORT)
BAIT = "/admin/restart"


def redirects_all(domain, url):
    for path in DOCUMENTS:
        domain.apex.routes[path] = redirect(url)


def falls_back(domain):
    """The homeserver answers for the domain itself too, so the verdict does not hide the rest."""
    domain.be_home(domain.name, host=domain.name)
    domain.srv(domain.name, domain.matrix, 8448)
    domain.addresses(domain.name, ODD[0])
    domain.addresses(domain.matrix, HOME[0])


@case(step="4", errors=["address_local", "redirect_local"], warnings=["redirect_local"], status=0)
def first_address_is_localhost(domain):
    """What the first address may be sent to is not what the one that answers may say."""
    falls_back(domain)
    domain.addresses(domain.name, "127.0.0.1", ODD[0])
    redirects_all(domain, f"http://127.0.0.1:8080{BAIT}")


@case(step="4", errors=["address_local"], warnings=["connection_refused"], status=0)
def first_address_is_localhost_and_the_redirect_stays_on_the_host(domain):
    """The redirect is followed, to the address that sent it."""
    falls_back(domain)
    domain.addresses(domain.name, "127.0.0.1", ODD[0])
    redirects_all(domain, f"http://{domain.name}:8080{BAIT}")


@case(step=None, warnings=["address_own"] * 2, status=3)
def redirects_to_the_testers_own_address(domain):
    falls_back(domain)
    redirects_all(domain, f"http://{TESTER[0]}:8080{BAIT}")


@case(step=None, warnings=["address_own"] * 2, status=3)
def redirects_to_a_name_of_the_testers_own_address(domain):
    falls_back(domain)
    domain.addresses(f"trap.{domain.name}", TESTER[0], ODD[0])
    redirects_all(domain, f"http://trap.{domain.name}:8080{BAIT}")


@case(step=None, warnings=["address_own"] * 2, status=3)
def redirects_to_the_testers_own_ipv6_address(domain):
    falls_back(domain)
    redirects_all(domain, f"http://[{TESTER[1]}]:8080{BAIT}")


@case(step=None, warnings=["address_own"] * 2, status=3)
def redirects_to_an_address_that_is_routed_to_the_tester(domain):
    falls_back(domain)
    redirects_all(domain, f"http://{ROUTED}:8080{BAIT}")


@case(step=None, warnings=["address_own"] * 2, status=3)
def redirects_to_the_testers_own_address_in_ipv6(domain):
    falls_back(domain)
    redirects_all(domain, f"http://[::ffff:{TESTER[0]}]:8080{BAIT}")


@case(step="4", errors=["redirect_local"], warnings=["redirect_local"], status=0)
def redirects_to_localhost_behind_nat64(domain):
    falls_back(domain)
    redirects_all(domain, f"http://[64:ff9b::7f00:1]:8080{BAIT}")


@case(step="4", errors=["redirect_local"], warnings=["redirect_local"], status=0)
def redirects_to_the_unspecified_address(domain):
    falls_back(domain)
    redirects_all(domain, f"http://0.0.0.0:8080{BAIT}")


@case(step="4", errors=["redirect_local"], warnings=["redirect_local"], status=0)
def redirects_into_a_private_network(domain):
    falls_back(domain)
    redirects_all(domain, f"http://{PRIVATE[0]}:8080{BAIT}")


@case(step="4", errors=["redirect_local"], warnings=["redirect_local"], status=0)
def second_redirect_leads_to_localhost(domain):
    falls_back(domain)
    for number, path in enumerate(DOCUMENTS):
        domain.apex.routes[path] = redirect(f"https://{domain.name}/step-{number}")
        domain.apex.routes[f"/step-{number}"] = redirect(f"http://127.0.0.1:8080{BAIT}")


@case(errors=["address_local", "address_local"])
def base_url_of_localhost_where_the_first_address_is_localhost(domain):
    domain.addresses(domain.name, "127.0.0.1", ODD[0])
    domain.addresses(domain.matrix, HOME[0])
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": "https://127.0.0.1:8080"}})


@case(step="3.1", errors=["address_local", "address_local"])
def delegated_to_a_literal_of_localhost(domain):
    domain.addresses(domain.name, ODD[0])
    domain.delegate("[::ffff:127.0.0.1]:8448")
    domain.addresses(domain.matrix, "127.0.0.1")


@case(step="6", errors=["redirect_local", "connection_refused"], arguments=["--no-client", "--dns", REBINDING_DNS])
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
