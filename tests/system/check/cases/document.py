"""What can be wrong with /.well-known/matrix/server."""

from world.domains import DOCUMENT, SERVER, WORKS, case, error, page, warning
from world.internet import HOME, ODD


@case(
    error(
        "well_known_m_server_invalid",
        "m.server \"https://matrix.example.com:8448\" is a URL",
        "m.server takes a host name with an optional port, for example",
    ),
    step="4",
    verdict=WORKS,
)
def m_server_is_a_url(domain):
    domain.falls_back()
    domain.delegate(f"https://{domain.matrix}:8448")


@case(
    error(
        "well_known_m_server_invalid",
        "m.server \"matrix.example.com:8448/\" ends with a slash",
    ),
    step="4",
    verdict=WORKS,
)
def m_server_ends_in_a_slash(domain):
    domain.falls_back()
    domain.delegate(f"{domain.matrix}:8448/")


@case(
    error(
        "well_known_m_server_invalid",
        "m.server \"matrix.example.com:0\" has port 0",
        "a port is a number from 1 to 65535",
    ),
    step="4",
    verdict=WORKS,
)
def m_server_has_port_0(domain):
    domain.falls_back()
    domain.delegate(f"{domain.matrix}:0")


@case(
    error(
        "well_known_m_server_invalid",
        "m.server \"\\x1b[31mred\\x1b]0;title\\x07\\xe2\\x80\\xae\\xc2\\x9b2J.example\\x0a✓ all",
        "remove it",
    ),
    step="4",
    verdict=WORKS,
)
def m_server_has_control_characters(domain):
    domain.falls_back()
    domain.delegate("\x1b[31mred\x1b]0;title\x07\u202e\x9b2J.example\n✓ all is well")


@case(
    error(
        "well_known_no_m_server",
        "the document has no m.server",
        "answer with {\"m.server\": \"matrix.example.com:8448\"}, the homeserver's name and port",
    ),
    step="4",
    verdict=WORKS,
)
def m_server_is_missing(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = page({"server": domain.m_server})


@case(error("well_known_no_m_server", "the document has no m.server"), step="4", verdict=WORKS)
def m_server_is_an_array(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = page({"m.server": [domain.m_server]})


@case(
    error(
        "well_known_not_json",
        "the document is not a JSON object (line 1: '[' or '{' expected near '<')",
        "answer with {\"m.server\": \"matrix.example.com:8448\"}, the homeserver's name and port",
    ),
    step="4",
    verdict=WORKS,
)
def document_is_html(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = page("<!doctype html><p>Welcome")


@case(
    error(
        "well_known_not_json",
        "the document is not a JSON object (it nests deeper than 32 levels)",
    ),
    step="4",
    verdict=WORKS,
)
def document_nests_too_deep(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = page("[" * 20000)


@case(
    error(
        "well_known_not_json",
        "the document is not a JSON object (line 1: duplicate object key near '\"m.server\"')",
    ),
    step="4",
    verdict=WORKS,
)
def document_names_m_server_twice(domain):
    domain.falls_back()
    text = f'{{"m.server": "{domain.m_server}", "m.server": "other.example"}}'
    domain.apex.routes[SERVER] = page(text)


@case(
    error(
        "answer_too_large",
        "the answer is too large: homeservers read 50 KiB",
        "check what answers there, for example with curl",
    ),
    step="4",
    verdict=WORKS,
)
def document_is_too_large(domain):
    domain.falls_back()
    padding = " " * (50 * 1024)
    domain.apex.routes[SERVER] = page(f'{{"m.server": "{domain.m_server}"}}{padding}')


@case(
    error("answer_too_large", "the answer is too large: homeservers read 50 KiB"),
    step="4",
    verdict=WORKS,
)
def document_never_ends(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = {"quirk": "endless_body"}


@case(
    error("answer_too_large", "the answer is too large: homeservers read 50 KiB"),
    step="4",
    verdict=WORKS,
)
def headers_never_end(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = {"quirk": "endless_headers"}


@case(
    warning(
        "answer_timeout",
        "the connection is accepted, but no complete answer arrives in time",
        "check the server's load and log, and whatever it forwards to",
    ),
    step="4",
    arguments=["--timeout", "3"],
)
def document_comes_a_byte_a_second(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = {"quirk": "drip"}


@case(
    error(
        "answer_broken",
        "the answer is not HTTP, or ends too early",
        "check what answers there, for example with curl",
    ),
    step="4",
    verdict=WORKS,
)
def document_is_cut_off(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = {"quirk": "cut"}


@case(error("answer_broken", "the answer is not HTTP, or ends too early"), step="4", verdict=WORKS)
def document_is_a_mail_server(domain):
    domain.falls_back()
    domain.apex.routes[SERVER] = {"quirk": "garbage"}


@case(
    error(
        "well_known_status",
        "the answer has status 500, so homeservers ignore the document",
        "answer with status 200, or with 404 if there is to be no document",
    ),
    step="4",
    verdict=WORKS,
)
def document_with_status_500(domain):
    domain.falls_back()
    domain.apex.routes[SERVER]["status"] = 500


@case(
    warning(
        "well_known_cache_long",
        "max-age is 365 days, but homeservers cache the document for at most 48 hours",
        "set max-age to at most 172800",
    ),
)
def document_kept_for_a_year(domain):
    domain.alone()
    domain.apex.routes[SERVER]["headers"] = {**DOCUMENT, "Cache-Control": "max-age=31536000"}


@case(
    warning(
        "well_known_cache_short",
        "max-age is only 0 seconds, so homeservers fetch the document again and again",
        "set max-age to 3600 or so",
    ),
)
def document_not_kept(domain):
    domain.alone()
    domain.apex.routes[SERVER]["headers"] = {**DOCUMENT, "Cache-Control": "no-cache, no-store"}


@case(
    error(
        "well_known_differs",
        "the host's addresses give different answers: m.server is matrix.example.com:8448 at one, none at",
        "publish the same document at every address, and wait until caches have dropped the old one",
    ),
)
def document_only_over_ipv4(domain):
    domain.at("apex", domain.name, ODD[1]).routes.pop(SERVER)


@case(
    error(
        "well_known_differs",
        "the host's addresses give different answers: m.server is matrix.example.com:8448 at one,",
    ),
)
def another_document_over_ipv6(domain):
    site = domain.at("apex", domain.name, ODD[1])
    site.routes[SERVER] = page({"m.server": f"old.{domain.name}:8448"})


@case(
    error(
        "certificate_name",
        "the certificate is for www.example, not for example.com",
        "get a certificate for example.com, and use it there",
    ),
)
def wrong_certificate_over_ipv6(domain):
    domain.at("apex", domain.name, ODD[1]).certificate("www.example")


@case(warning("connection_refused", "the connection is refused"))
def document_refused_over_ipv6(domain):
    domain.addresses(domain.name, ODD[0], HOME[1])
