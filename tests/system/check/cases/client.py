"""What clients and people find."""

from world.domains import (
    CLIENT,
    CORS,
    SUPPORT,
    VERSIONS,
    WORKS,
    Site,
    case,
    error,
    page,
    redirect,
    warning,
)
from world.internet import ODD


@case(
    warning(
        "client_absent",
        "there is no document at https://example.com/.well-known/matrix/client (status 404), so",
        "answer with {\"m.homeserver\": {\"base_url\": \"https://matrix.example.com\"}}",
    ),
    warning(
        "client_cors",
        "the answer for the client document has no CORS header, so browsers hide it from web clients",
        "send Access-Control-Allow-Origin: * with every answer there, redirects and errors too",
    ),
)
def client_document_missing_without_cors(domain):
    domain.alone()
    domain.apex.routes[CLIENT] = page("", {}, 404)


@case(
    error(
        "client_cors",
        "the answer for the client document has no CORS header, so browsers hide it from web clients",
    ),
    verdict=WORKS,
)
def client_document_without_cors(domain):
    domain.alone()
    domain.apex.routes[CLIENT]["headers"] = {"Content-Type": "application/json"}


@case(
    error(
        "client_cors",
        "a redirect to the client document has no CORS header, so browsers hide it from web clients",
    ),
    verdict=WORKS,
)
def client_redirect_without_cors(domain):
    domain.alone()
    domain.apex.routes["/client"] = domain.apex.routes[CLIENT]
    domain.apex.routes[CLIENT] = redirect("/client", {})


@case(
    error(
        "client_status",
        "https://example.com/.well-known/matrix/client answers with status 503",
        "answer with {\"m.homeserver\": {\"base_url\": \"https://matrix.example.com\"}}",
    ),
    verdict=WORKS,
)
def client_document_with_status_503(domain):
    domain.alone()
    domain.apex.routes[CLIENT]["status"] = 503


@case(
    error(
        "client_not_json",
        "the client document is not a JSON object (line 1: unexpected token near end of file)",
        "answer with {\"m.homeserver\": {\"base_url\": \"https://matrix.example.com\"}}",
    ),
    verdict=WORKS,
)
def client_document_is_broken(domain):
    domain.alone()
    domain.apex.routes[CLIENT] = page('{"m.homeserver": ')


@case(
    error(
        "client_no_base_url",
        "the client document has no m.homeserver with a base_url",
        "answer with {\"m.homeserver\": {\"base_url\": \"https://matrix.example.com\"}}",
    ),
    verdict=WORKS,
)
def client_document_without_base_url(domain):
    domain.alone()
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"url": "https://example.com"}})


@case(
    error(
        "client_base_url_invalid",
        "m.homeserver's base_url \"matrix.example.com\" has no scheme",
        "a URL begins with https://, for example \"https://matrix.example.com\"",
    ),
    verdict=WORKS,
)
def base_url_without_scheme(domain):
    domain.alone()
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": domain.matrix}})


@case(
    error(
        "client_base_url_invalid",
        "m.homeserver's base_url \"http://matrix.example.com\" is not https",
        "write it with https://, as browsers refuse plain HTTP",
    ),
    verdict=WORKS,
)
def base_url_over_http(domain):
    domain.alone()
    document = {"m.homeserver": {"base_url": f"http://{domain.matrix}"}}
    domain.apex.routes[CLIENT] = page(document)


@case(
    error(
        "client_base_url_invalid",
        "base_url https://gone.example.com: its host has no address",
        "correct base_url, or add its host to the DNS",
    ),
    verdict=WORKS,
)
def base_url_of_no_such_host(domain):
    domain.alone()
    document = {"m.homeserver": {"base_url": f"https://gone.{domain.name}"}}
    domain.apex.routes[CLIENT] = page(document)


@case(
    error(
        "address_local",
        "base_url https://[::1]:8448: its host's address is loopback, link-local or reserved",
    ),
    verdict=WORKS,
)
def base_url_of_every_machine(domain):
    domain.alone()
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": "https://[::1]:8448"}})


@case(
    error(
        "client_identity_server_invalid",
        "m.identity_server's base_url \"id.example\" has no scheme",
        "a URL begins with https://, for example \"https://matrix.example.com\"",
    ),
    verdict=WORKS,
)
def identity_server_without_scheme(domain):
    domain.alone()
    document = {
        "m.homeserver": {"base_url": f"https://{domain.matrix}:8448"},
        "m.identity_server": {"base_url": "id.example"},
    }
    domain.apex.routes[CLIENT] = page(document)


@case(
    error(
        "client_versions_status",
        "https://matrix.example.com:8448/_matrix/client/versions answers with status 404",
        "make the homeserver, or the reverse proxy in front of it, answer everything under",
    ),
    verdict=WORKS,
)
def base_url_without_client_api(domain):
    domain.alone()
    del domain.home.routes[VERSIONS]


@case(
    error(
        "client_versions_invalid",
        "https://matrix.example.com:8448/_matrix/client/versions does not list versions (line 1:",
        "point base_url at the homeserver: something else answers there",
    ),
    verdict=WORKS,
)
def base_url_of_a_website(domain):
    domain.alone()
    domain.home.routes[VERSIONS] = page("<html>", {**CORS, "Content-Type": "text/html"})


@case(
    error(
        "client_versions_cors",
        "the answer for https://matrix.example.com:8448/_matrix/client/versions has no CORS header, so",
        "make the reverse proxy pass on the homeserver's CORS headers",
    ),
    verdict=WORKS,
)
def client_api_without_cors(domain):
    domain.alone()
    domain.home.routes[VERSIONS]["headers"] = {"Content-Type": "application/json"}


@case(
    warning(
        "support_invalid",
        "clients cannot use the support document: contacts is empty, and there is no support_page",
        "answer with contacts, a support_page, or both; or with 404 if there is none",
    ),
)
def support_without_contacts(domain):
    domain.alone()
    domain.apex.routes[SUPPORT] = page({"contacts": []})


# What browsers make of CORS headers (Fetch Standard, "CORS check")

WEB_CLIENT = "https://app.element.io"


def allow(domain, *values):
    domain.alone()
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": list(values)}
    domain.apex.routes[CLIENT]["headers"] = headers


@case()
def cors_header_with_the_clients_origin(domain):
    allow(domain, WEB_CLIENT)


@case(
    error(
        "client_cors",
        "the answer for the client document has several values of Access-Control-Allow-Origin (*, *)",
        "send Access-Control-Allow-Origin: * once",
    ),
    verdict=WORKS,
)
def cors_header_twice(domain):
    """A proxy adds it to an answer that has it already (aspnet/CORS#129)."""
    allow(domain, "*", "*")


@case(
    error("client_cors", "several values of Access-Control-Allow-Origin"),
    verdict=WORKS,
)
def cors_header_with_a_list(domain):
    allow(domain, f"https://chat.example, {WEB_CLIENT}")


@case(error("client_cors", "allows only https://chat.example"), verdict=WORKS)
def cors_header_for_another_client(domain):
    allow(domain, "https://chat.example")


@case(
    error("redirect_insecure", "a redirect to the client document leads to plain HTTP, which browsers"),
    verdict=WORKS,
)
def client_redirect_to_plain_http(domain):
    """Mixed content: a page that came over HTTPS gets nothing over HTTP."""
    domain.alone()
    domain.apex.routes[CLIENT] = redirect(f"http://{domain.name}/plain-client-document")


@case(error("client_cors", "allows only null"), verdict=WORKS)
def cors_header_with_null(domain):
    allow(domain, "null")


@case(error("client_cors", f"allows only {WEB_CLIENT}"), verdict=WORKS)
def cors_header_with_the_clients_origin_after_a_redirect(domain):
    """Browsers tell the second host no origin: only * helps."""
    allow(domain, WEB_CLIENT)
    www = f"www.{domain.name}"
    domain.addresses(www, ODD[0])
    domain.sites["apex", www] = Site({"/client": dict(domain.apex.routes[CLIENT])})
    domain.apex.routes[CLIENT] = redirect(f"https://{www}/client")


@case(
    error(
        "client_versions_cors",
        "several values of Access-Control-Allow-Origin (*, *)",
    ),
    verdict=WORKS,
)
def client_api_with_cors_twice(domain):
    domain.alone()
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": ["*", "*"]}
    domain.home.routes[VERSIONS]["headers"] = headers
