"""Cases that work: one for every step of "Resolving server names", and ways of doing it."""

from homeserver import key_document
from internet import DAEMON, HOME, NGINX, SECOND_HOME
from world import CLIENT, DOCUMENT, KEYS, SERVER, SUPPORT, VERSIONS, Site, case, page, redirect


def clients(domain):
    """A host of their own for clients, where matrix.DOMAIN has no address."""
    name = f"chat.{domain.name}"
    domain.sites["home", name] = Site({VERSIONS: domain.home.routes[VERSIONS]})
    domain.addresses(name, *HOME)
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": f"https://{name}:8448"}})


def domain_addresses(domain, name):
    return [text.split(" ")[1] for owner, text in domain.records if owner == name]


@case(step="1")
def step_1_ipv4(domain):
    domain.server_name = HOME[0]
    domain.be_home(HOME[0], host=HOME[0])


@case(step="1")
def step_1_ipv6_with_port(domain):
    domain.server_name = f"[{HOME[1]}]:8449"
    site = domain.be_home(HOME[1], host=domain.server_name)
    site.names = (HOME[1],)


@case(step="2")
def step_2_through_cname(domain):
    domain.server_name = f"{domain.name}:8449"
    # Clients ask at port 443, where the Host header has no port.
    domain.be_home(domain.name, host=[domain.server_name, domain.name])
    domain.addresses(domain.name)
    domain.record(domain.name, f"CNAME {domain.matrix}")
    domain.sites["home", domain.name].routes[CLIENT] = domain.apex.routes[CLIENT]


@case(step="3.1")
def step_3_1_ipv4(domain):
    domain.delegate(f"{SECOND_HOME[0]}:8449")
    domain.be_home(SECOND_HOME[0], host=f"{SECOND_HOME[0]}:8449")


@case(step="3.1")
def step_3_1_ipv6_without_port(domain):
    domain.delegate(f"[{SECOND_HOME[1]}]")
    domain.be_home(SECOND_HOME[1], host=f"[{SECOND_HOME[1]}]")


@case(step="3.2")
def step_3_2(domain):
    """Our daemon on the domain's own host: what the README recommends."""
    domain.addresses(domain.name, *DAEMON)
    domain.daemon = {
        domain.name: f'    server = "{domain.m_server}"\n'
        f'    client = "https://{domain.matrix}:8448"\n'
        f'    support {{ page = "https://{domain.name}/support" }}\n'
    }


@case(step="3.2")
def step_3_2_from_nginx(domain):
    domain.addresses(domain.name, *NGINX)
    headers = """default_type application/json;
        add_header Access-Control-Allow-Origin * always; add_header Cache-Control max-age=86400;"""
    domain.nginx = {
        domain.name: f"""location = {SERVER} {{ {headers}
        return 200 '{{"m.server": "{domain.m_server}"}}'; }}
    location = {CLIENT} {{ {headers}
        return 200 '{{"m.homeserver": {{"base_url": "https://{domain.matrix}:8448/"}}}}'; }}"""
    }


@case(step="3.3")
def step_3_3(domain):
    domain.delegate(domain.matrix)
    domain.be_home(domain.matrix, host=domain.matrix)
    domain.addresses(domain.matrix)
    domain.srv(domain.matrix, f"second.{domain.name}", 8449, priority=20)
    domain.srv(domain.matrix, f"first.{domain.name}", 8448, priority=10)
    domain.addresses(f"first.{domain.name}", *HOME)
    domain.addresses(f"second.{domain.name}", *SECOND_HOME)
    clients(domain)


@case(step="3.4", warnings=["srv_deprecated"])
def step_3_4(domain):
    domain.delegate(domain.matrix)
    domain.be_home(domain.matrix, host=domain.matrix)
    domain.addresses(domain.matrix)
    domain.srv(domain.matrix, f"first.{domain.name}", 8449, service="_matrix")
    domain.addresses(f"first.{domain.name}", *HOME)
    clients(domain)


@case(step="3.5")
def step_3_5(domain):
    domain.delegate(domain.matrix)
    domain.be_home(domain.matrix, host=domain.matrix)
    clients(domain)


@case(step="4")
def step_4(domain):
    domain.without_document()
    domain.srv(domain.name, domain.matrix, 8449)


@case(step="5", warnings=["srv_deprecated"])
def step_5(domain):
    domain.without_document()
    domain.srv(domain.name, domain.matrix, 8449, service="_matrix")


@case(step="6", warnings=["connection_refused"])
def step_6(domain):
    """Nothing on port 443 at all; the homeserver has the domain's own address."""
    domain.without_document()
    domain.addresses(domain.name, *SECOND_HOME)



@case(step="3.2")
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


@case(step="3.2")
def five_relative_redirects(domain):
    domain.apex.routes[f"{SERVER}5"] = domain.apex.routes[SERVER]
    for number in range(4, -1, -1):
        path = SERVER + (str(number) if number else "")
        domain.apex.routes[path] = redirect(f"server{number + 1}")


@case(step="3.2")
def unicode_name(domain):
    domain.server_name = "bücher.unicode-name.example"
    ascii_name = "xn--bcher-kva.unicode-name.example"
    domain.addresses(ascii_name, *domain_addresses(domain, domain.name))
    domain.sites["apex", ascii_name] = Site(domain.apex.routes)
    domain.home.routes[KEYS] = page(key_document(ascii_name))


@case(step="3.2")
def support_contacts(domain):
    domain.apex.routes[SUPPORT] = page(
        {"contacts": [{"role": "m.role.admin", "matrix_id": "@admin:support-contacts.example"}]}
    )


@case(step="3.2")
def stale_srv_to_the_same_machine(domain):
    domain.srv(domain.name, domain.matrix, 8449)


@case(step="3.2", warnings=["well_known_content_type"] * 2)
def document_as_text(domain):
    domain.apex.routes[SERVER]["headers"] = {**DOCUMENT, "Content-Type": "text/plain"}


@case(step="3.2", arguments=["-4"])
def ipv4_only(domain):
    domain.addresses(domain.name, domain_addresses(domain, domain.name)[0], "2001:db8::dead")


@case(step="3.2", arguments=["--no-client"])
def clients_left_out(domain):
    del domain.apex.routes[CLIENT]
