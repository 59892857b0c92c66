"""The domains of the test internet: one that works, and what each case changes in it."""

import dataclasses
import json

from . import homeserver
from .internet import DAEMON, HOME, NGINX, ODD

CORS = {"Access-Control-Allow-Origin": "*"}
DOCUMENT = {"Content-Type": "application/json", "Cache-Control": "public, max-age=3600", **CORS}
SERVER = "/.well-known/matrix/server"
CLIENT = "/.well-known/matrix/client"
SUPPORT = "/.well-known/matrix/support"
KEYS = "/_matrix/key/v2/server"
VERSION = "/_matrix/federation/v1/version"
DIRECTORY = "/_matrix/federation/v1/query/directory"
VERSIONS = "/_matrix/client/versions"
BRIEF = ["-4", "--no-client"]
WORKS, FAILS, UNKNOWN = 0, 1, 3  # verdicts, as exit status
CASES = {}


def page(body, headers=None, status=200):
    """A route: `body` is text, or an object that becomes JSON."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return {"status": status, "headers": DOCUMENT if headers is None else headers, "body": text}


def redirect(url, headers=None):
    return page("", {**(CORS if headers is None else headers), "Location": url}, 302)


class Site:
    """What one name is answered with, at all addresses or at one."""

    def __init__(self, routes, host=None):
        self.routes = routes
        self.host = host
        self.names = None
        self.issue = {}
        self.authority = "known"

    def certificate(self, *names, authority="known", **details):
        """Shows a certificate for other names, or with a flaw."""
        self.names, self.authority, self.issue = names or self.names, authority, details


class Domain:
    """A domain that works: a document at its own host, and a homeserver at matrix.DOMAIN."""

    def __init__(self, name):
        self.name = name
        self.matrix = f"matrix.{name}"
        self.m_server = f"{self.matrix}:8448"
        self.server_name = name  # as the tester is asked
        self.records = []
        self.failing = []
        self.apex = Site(self.documents())
        self.home = Site(self.endpoints(name), host=self.m_server)
        self.sites = {("apex", name): self.apex, ("home", self.matrix): self.home}
        self.addresses(name, *ODD)
        self.addresses(self.matrix, *HOME)
        self.daemon = None
        self.nginx = None

    def documents(self):
        return {
            SERVER: page({"m.server": self.m_server}),
            CLIENT: page({"m.homeserver": {"base_url": f"https://{self.matrix}:8448"}}),
        }

    @staticmethod
    def endpoints(server_name):
        return {
            VERSION: page(homeserver.VERSION),
            DIRECTORY: page(homeserver.UNSIGNED, status=401),
            KEYS: page(homeserver.key_document(server_name)),
            VERSIONS: page(homeserver.VERSIONS),
        }

    def record(self, owner, text):
        self.records.append((owner, text))

    def addresses(self, owner, *addresses):
        """Gives a name these addresses, in place of what it had."""
        self.records = [entry for entry in self.records if entry[0] != owner]
        for address in addresses:
            self.record(owner, f"{'AAAA' if ':' in address else 'A'} {address}")

    def addresses_of(self, owner):
        return [text.split(" ")[1] for name, text in self.records if name == owner]

    def srv(self, name, target, port=8448, service="_matrix-fed", priority=10, weight=5):
        self.record(f"{service}._tcp.{name}", f"SRV {priority} {weight} {port} {target}")

    def without_document(self):
        """No well-known document; the homeserver answers as the domain itself."""
        del self.apex.routes[SERVER]
        self.be_home(self.name, host=self.name)

    def alone(self):
        """Only one address each, so that a flaw is reported once."""
        self.addresses(self.name, ODD[0])
        self.addresses(self.matrix, HOME[0])

    def falls_back(self):
        """The homeserver answers for the domain itself too, so it is found without the document."""
        self.be_home(self.name, host=self.name)
        self.srv(self.name, self.matrix, 8448)
        self.alone()

    def clients_elsewhere(self):
        """A host of their own for clients, where matrix.DOMAIN has no address."""
        name = f"chat.{self.name}"
        self.sites["home", name] = Site({VERSIONS: self.home.routes[VERSIONS]})
        self.addresses(name, *HOME)
        self.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": f"https://{name}:8448"}})

    def be_home(self, name, host):
        """Has the homeserver answer for this SNI name and Host header. Clients keep the old one."""
        site = Site(self.endpoints(self.server_name), host=host)
        self.sites["home", name] = site
        self.home = site
        return site

    def delegate(self, m_server):
        self.m_server = m_server
        self.apex.routes[SERVER] = page({"m.server": m_server})

    def at(self, kind, name, address):
        """The same site with other answers at one address."""
        general = self.sites[kind, name]
        site = Site(dict(general.routes), general.host)
        site.names = (name,)
        self.sites[kind, f"{name}@{address}"] = site
        return site


@dataclasses.dataclass
class Finding:
    """What a report must say once, or `times` in a row: `says` is in the message, `hint` in the hint,
    both with example.com for the case's domain."""

    severity: str
    code: str
    says: str
    hint: str = ""
    times: int = 1


def error(code, says, hint="", times=1):
    return Finding("errors", code, says, hint, times)


def warning(code, says, hint="", times=1):
    return Finding("warnings", code, says, hint, times)


@dataclasses.dataclass
class Case:
    """A domain, how the tester is asked about it, and what it must say: the step that decides, the
    verdict, and all errors and warnings in the order of the report."""

    name: str
    domain: Domain
    findings: list
    step: str
    verdict: int
    arguments: list

    def expected(self, severity):
        """The findings of one severity, one by one."""
        chosen = [each for each in self.findings if each.severity == severity]
        return [each for each in chosen for _ in range(each.times)]


def case(*findings, step="3.2", verdict=None, arguments=()):
    """Declares a case. Without a verdict federation works if there is no error, and fails if there
    is one."""

    def declare(build):
        failing = any(each.severity == "errors" for each in findings)
        label = build.__name__.replace("_", "-")
        assert len(label) <= 63, f"{label} is too long for the DNS"
        domain = Domain(f"{label}.example")
        build(domain)
        CASES[build.__name__] = Case(
            build.__name__,
            domain,
            list(findings),
            step,
            (FAILS if failing else WORKS) if verdict is None else verdict,
            list(arguments),
        )
        return build

    return declare


def zone_records():
    lines = []
    for each in CASES.values():
        lines += [f"{owner}. {absolute(text)}" for owner, text in each.domain.records]
    return lines


def absolute(text):
    words = text.split(" ")
    if words[0] in ("SRV", "CNAME") and not words[-1].endswith("."):
        words[-1] += "."
    return " ".join(words)


def failing_zones():
    return [zone for each in CASES.values() for zone in each.domain.failing]


def sites(kind, authorities):
    """The specification's sites of one kind, with certificates made for them."""
    result = {}
    for each in CASES.values():
        for (of_kind, name), site in each.domain.sites.items():
            if of_kind != kind:
                continue
            names = site.names or (name.split("@")[0],)
            chain, key = authorities[site.authority].issue(*names, **site.issue)
            result[name] = {"chain": chain, "key": key, "routes": site.routes}
            if site.host:
                result[name]["hosts"] = [site.host] if isinstance(site.host, str) else site.host
            elif kind == "apex":
                result[name]["fallback"] = page("{}", CORS, 404)
    return result


def nginx_servers(authorities):
    blocks = []
    for each in CASES.values():
        for name, body in (each.domain.nginx or {}).items():
            chain, key = authorities["known"].issue(name)
            blocks.append(
                f"""server {{
    listen {NGINX[0]}:443 ssl; listen [{NGINX[1]}]:443 ssl; server_name {name};
    ssl_certificate {chain}; ssl_certificate_key {key};
    {body}
}}"""
            )
    return "\n".join(blocks)


def daemon_settings(authorities):
    sections = []
    for each in CASES.values():
        for name, body in (each.domain.daemon or {}).items():
            chain, key = authorities["known"].issue(name)
            sections.append(
                f'domain "{name}" {{\n    certificate = "{chain}"\n    key = "{key}"\n{body}}}'
            )
    listen = f'listen = {{ "{DAEMON[0]}:443", "[{DAEMON[1]}]:443" }}'
    return "\n".join([listen, *sections, ""])
