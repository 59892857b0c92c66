"""Redirects on the way to the document."""

from world.domains import SERVER, WORKS, case, error, redirect, warning
from world.internet import DNS


@case(
    error(
        "redirect_loop",
        "redirects in a loop, back to https://example.com/.well-known/matrix/server",
        "serve the document at its own URL, with status 200",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_in_a_loop(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = redirect("/elsewhere")
    domain.apex.routes["/elsewhere"] = redirect(f"https://{domain.name}{SERVER}")


@case(
    error(
        "redirect_too_many",
        "redirects more than 5 times, at last to https://example.com/.well-known/matrix/server6",
        "serve the document at its own URL, with status 200",
    ),
    step="4",
    verdict=WORKS,
)
def six_redirects(domain):
    domain.falls_back()
    for number in range(6):
        domain.apex.routes[SERVER + (str(number) if number else "")] = redirect(
            f"server{number + 1}"
        )


@case(
    error(
        "redirect_scheme",
        "redirects away from HTTPS, to file:///etc/passwd",
        "redirect to an https:// URL, or answer the document directly",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_to_a_file(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = redirect("file:///etc/passwd")


@case(
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved: https://127.0.0.1:8443/",
        "redirect to a host that others can reach, or answer the document directly",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_to_localhost(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = redirect("https://127.0.0.1:8443/")


@case(
    error(
        "redirect_local",
        "redirects to an address that is loopback, link-local or reserved: https://trap.example.com/",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_to_a_name_of_localhost(domain):
    domain.falls_back()
    domain.addresses(f"trap.{domain.name}", "::ffff:127.0.0.1")
    domain.apex.routes[SERVER] = redirect(f"https://trap.{domain.name}/")


@case(
    error(
        "redirect_invalid",
        "redirects to an unusable URL: https://user:password@example.com/",
        "redirect to an https:// URL, or answer the document directly",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_with_a_password(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = redirect(f"https://user:password@{domain.name}/")


@case(
    error(
        "redirect_unresolved",
        "redirects to a host that has no address: https://gone.example.com/",
        "correct the redirect, or add the host to the DNS",
    ),
    step="4",
    verdict=WORKS,
)
def redirects_to_no_such_host(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = redirect(f"https://gone.{domain.name}/")


@case(
    warning(
        "redirect_insecure",
        "a redirect leads to plain HTTP",
        "redirect to an https:// URL: anyone on the way can change what comes over http://",
    ),
)
def redirects_to_plain_http(domain):
    domain.alone()
    domain.apex.routes[SERVER] = redirect(f"http://{domain.name}/plain-document")
