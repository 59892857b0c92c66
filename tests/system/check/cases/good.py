"""Names that work, in other ways of doing it."""

from world.domains import (
    CLIENT,
    DOCUMENT,
    KEYS,
    SERVER,
    SUPPORT,
    Site,
    case,
    page,
    redirect,
    warning,
)
from world.homeserver import key_document
from world.internet import NGINX


@case()
def redirected_to_www(domain):
    www = f"www.{domain.name}"
    domain.addresses(www, *NGINX)
    for path in (SERVER, CLIENT):
        domain.apex.routes[path] = redirect(f"https://{www}{path}")
    domain.nginx = {
        www: "default_type application/json; add_header Access-Control-Allow-Origin * always;"
        f"location = {SERVER} {{ return 200 '{{\"m.server\": \"{domain.m_server}\"}}'; }}"
        f'location = {CLIENT} {{ return 200 \'{{"m.homeserver": {{"base_url": '
        f'"https://{domain.matrix}:8448"}}}}\'; }}'
    }


@case()
def five_relative_redirects(domain):
    domain.apex.routes[f"{SERVER}5"] = domain.apex.routes[SERVER]
    for number in range(4, -1, -1):
        path = SERVER + (str(number) if number else "")
        domain.apex.routes[path] = redirect(f"server{number + 1}")


@case()
def unicode_name(domain):
    domain.server_name = "bücher.unicode-name.example"
    ascii_name = "xn--bcher-kva.unicode-name.example"
    domain.addresses(ascii_name, *domain.addresses_of(domain.name))
    domain.sites["apex", ascii_name] = Site(domain.apex.routes)
    domain.home.routes[KEYS] = page(key_document(ascii_name))


@case()
def support_contacts(domain):
    domain.apex.routes[SUPPORT] = page(
        {"contacts": [{"role": "m.role.admin", "matrix_id": "@admin:support-contacts.example"}]}
    )


@case()
def stale_srv_to_the_same_machine(domain):
    domain.srv(domain.name, domain.matrix, 8449)


@case(
    warning(
        "well_known_content_type",
        "the Content-Type is text/plain",
        "set it to application/json: homeservers ignore it, other tools do not",
        times=2,
    ),
)
def document_as_text(domain):
    domain.apex.routes[SERVER]["headers"] = {**DOCUMENT, "Content-Type": "text/plain"}


@case(arguments=["-4"])
def ipv4_only(domain):
    domain.addresses(domain.name, domain.addresses_of(domain.name)[0], "2001:db8::dead")


@case(arguments=["--no-client"])
def clients_left_out(domain):
    del domain.apex.routes[CLIENT]
