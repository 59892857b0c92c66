"""What the homeserver answers to other servers."""

from world.domains import (
    BRIEF,
    DIRECTORY,
    KEYS,
    VERSION,
    case,
    error,
    page,
    warning,
)
from world.homeserver import key_document, OTHER_KEY


@case(
    error(
        "keys_status",
        "/_matrix/key/v2/server answers with status 404",
        "make the homeserver, or the reverse proxy in front of it, answer everything under",
    ),
    arguments=BRIEF,
)
def proxy_forwards_nothing(domain):
    domain.alone()
    domain.home.routes.clear()


@case(
    warning(
        "version_status",
        "/_matrix/federation/v1/version answers with status 404",
        "make the homeserver, or the reverse proxy in front of it, answer everything under",
    ),
    arguments=BRIEF,
)
def version_is_missing(domain):
    domain.alone()
    del domain.home.routes[VERSION]


@case(
    warning(
        "version_invalid",
        "/_matrix/federation/v1/version does not give a version (it is not a JSON object)",
        "make the homeserver, or the reverse proxy in front of it, answer everything under",
    ),
    arguments=BRIEF,
)
def version_is_something_else(domain):
    domain.alone()
    domain.home.routes[VERSION] = page(["\x1b[0m"])


@case(
    error(
        "keys_not_json",
        "/_matrix/key/v2/server does not answer with a JSON object (line 1: '[' or '{' expected near '<')",
        "make the homeserver, or the reverse proxy in front of it, answer everything under",
    ),
    arguments=BRIEF,
)
def keys_are_html(domain):
    domain.alone()
    domain.home.routes[KEYS] = page("<html>")


@case(
    error(
        "keys_server_name",
        "the homeserver there calls itself matrix.example.com, not example.com",
        "set its server name to example.com, or correct the delegation: another homeserver",
    ),
    arguments=BRIEF,
)
def keys_of_another_server(domain):
    domain.alone()
    domain.home.routes[KEYS] = page(key_document(domain.matrix))


@case(
    error(
        "keys_server_name",
        "the homeserver there calls itself KEYS-IN-ANOTHER-CASE.EXAMPLE, not example.com",
    ),
    arguments=BRIEF,
)
def keys_in_another_case(domain):
    domain.alone()
    domain.home.routes[KEYS] = page(key_document(domain.name.upper()))


@case(
    error(
        "keys_validity",
        "its keys have no usable valid_until_ts",
        "check the homeserver's signing key and its log",
    ),
    arguments=BRIEF,
)
def keys_without_validity(domain):
    domain.alone()
    document = key_document(domain.name, change=lambda keys: keys.pop("valid_until_ts"))
    domain.home.routes[KEYS] = page(document)


@case(
    error(
        "keys_expired",
        "its keys have expired",
        "correct that machine's clock, and keep proxies from caching /_matrix/key/v2/server",
    ),
    arguments=BRIEF,
)
def keys_have_expired(domain):
    domain.alone()
    domain.home.routes[KEYS] = page(key_document(domain.name, until=1600000000000))


@case(
    error(
        "keys_missing",
        "it publishes no Ed25519 key",
        "check the homeserver's signing key and its log",
    ),
    arguments=BRIEF,
)
def keys_are_none(domain):
    domain.alone()
    document = key_document(domain.name, change=lambda keys: keys["verify_keys"].clear())
    domain.home.routes[KEYS] = page(document)


@case(
    error(
        "keys_invalid",
        "its key ed25519:a_1 is not 32 bytes in unpadded base64",
        "check the homeserver's signing key and its log",
    ),
    arguments=BRIEF,
)
def key_is_too_short(domain):
    domain.alone()

    def shorten(keys):
        keys["verify_keys"]["ed25519:a_1"]["key"] = "c2hvcnQ"

    domain.home.routes[KEYS] = page(key_document(domain.name, change=shorten))


@case(
    error(
        "keys_invalid",
        "its keys are not canonical JSON, where numbers are integers below 2^53",
    ),
    arguments=BRIEF,
)
def keys_with_a_fraction(domain):
    domain.alone()
    document = key_document(domain.name, change=lambda keys: keys.update(half=0.5))
    domain.home.routes[KEYS] = page(document)


@case(
    error(
        "keys_unsigned",
        "its keys are not signed by ed25519:a_1",
        "check the homeserver's signing key and its log",
    ),
    arguments=BRIEF,
)
def keys_are_unsigned(domain):
    domain.alone()
    document = key_document(domain.name, after=lambda keys: keys.pop("signatures"))
    domain.home.routes[KEYS] = page(document)


@case(
    error(
        "keys_signature",
        "the signature of its keys by ed25519:a_1 is wrong",
        "check the homeserver's signing key, and that no proxy changes the answer",
    ),
    arguments=BRIEF,
)
def keys_signed_by_another_key(domain):
    domain.alone()
    domain.home.routes[KEYS] = page(key_document(domain.name, signer=OTHER_KEY))


@case(
    error("keys_signature", "the signature of its keys by ed25519:a_1 is wrong"),
    arguments=BRIEF,
)
def keys_changed_on_the_way(domain):
    domain.alone()
    document = key_document(domain.name, after=lambda keys: keys.update(note="changed"))
    domain.home.routes[KEYS] = page(document)


# Keys, but no federation


def not_served(status):
    return error(
        "federation_not_served",
        f"/_matrix/federation/v1/version answers with status {status}",
        "forward everything under /_matrix/federation to the homeserver too",
    )


def answer_federation(domain, route):
    domain.alone()
    domain.home.routes[VERSION] = domain.home.routes[DIRECTORY] = route


@case(not_served(404), arguments=BRIEF)
def only_keys_are_forwarded(domain):
    """matrix-docker-ansible-deploy#1680, federation-tester#120"""
    answer_federation(domain, page("<h1>Not Found", status=404))


@case(not_served(502), arguments=BRIEF)
def federation_worker_is_down(domain):
    """matrix-docker-ansible-deploy#1761, federation-tester#130"""
    answer_federation(domain, page("<h1>Bad Gateway", status=502))


@case(not_served(200), arguments=BRIEF)
def federation_is_a_website(domain):
    answer_federation(domain, page("<!doctype html><title>Welcome"))


@case(not_served(404), arguments=BRIEF)
def federation_is_served_by_something_that_knows_matrix_errors(domain):
    """For example by a daemon for well-known documents."""
    body = {"errcode": "M_UNRECOGNIZED", "error": "Unrecognized request"}
    answer_federation(domain, page(body, status=404))


@case(
    warning("version_status", "/_matrix/federation/v1/version answers with status 403"),
    arguments=BRIEF,
)
def version_is_hidden_by_a_proxy(domain):
    domain.alone()
    domain.home.routes[VERSION] = page("<h1>Forbidden", status=403)

