"""Names that work: one for every step of "Resolving server names"."""

from world.domains import CLIENT, SERVER, case, page, warning
from world.internet import DAEMON, HOME, NGINX, SECOND_HOME


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


@case()
def step_3_2(domain):
    """Our daemon on the domain's own host: what the README recommends."""
    domain.addresses(domain.name, *DAEMON)
    domain.daemon = {
        domain.name: f'    server = "{domain.m_server}"\n'
        f'    client = "https://{domain.matrix}:8448"\n'
        f'    support {{ page = "https://{domain.name}/support" }}\n'
    }


@case()
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
    domain.clients_elsewhere()


@case(
    warning(
        "srv_deprecated",
        "_matrix._tcp.matrix.example.com: this service name is deprecated",
        "name the record _matrix-fed._tcp instead of _matrix._tcp",
    ),
    step="3.4",
)
def step_3_4(domain):
    domain.delegate(domain.matrix)
    domain.be_home(domain.matrix, host=domain.matrix)
    domain.addresses(domain.matrix)
    domain.srv(domain.matrix, f"first.{domain.name}", 8449, service="_matrix")
    domain.addresses(f"first.{domain.name}", *HOME)
    domain.clients_elsewhere()


@case(step="3.5")
def step_3_5(domain):
    domain.delegate(domain.matrix)
    domain.be_home(domain.matrix, host=domain.matrix)
    domain.clients_elsewhere()


@case(step="4")
def step_4(domain):
    domain.without_document()
    domain.srv(domain.name, domain.matrix, 8449)


@case(
    warning("srv_deprecated", "_matrix._tcp.example.com: this service name is deprecated"),
    step="5",
)
def step_5(domain):
    domain.without_document()
    domain.srv(domain.name, domain.matrix, 8449, service="_matrix")


@case(
    warning(
        "connection_refused",
        "the connection is refused",
        "start the server there, and have it listen on that address and port",
    ),
    step="6",
)
def step_6(domain):
    """Nothing on port 443 at all; the homeserver has the domain's own address."""
    domain.without_document()
    domain.addresses(domain.name, *SECOND_HOME)
