"""Cases that are wrong, each in one way."""

import homeserver
from homeserver import key_document
from internet import DAEMON, HOME, ODD, PRIVATE, SILENT, TESTER
from world import (
    CLIENT,
    CORS,
    DOCUMENT,
    KEYS,
    SERVER,
    SUPPORT,
    VERSION,
    VERSIONS,
    case,
    page,
    redirect,
)

BRIEF = ["-4", "--no-client"]


def alone(domain):
    """Only one address each, so that a flaw is told once."""
    domain.addresses(domain.name, ODD[0])
    domain.addresses(domain.matrix, HOME[0])


def falls_back(domain):
    """The homeserver answers for the domain itself too, so the fallback works."""
    domain.be_home(domain.name, host=domain.name)
    domain.srv(domain.name, domain.matrix, 8448)
    alone(domain)


# The Domain Name System


@case(step="6", errors=["name_not_found"])
def no_such_name(domain):
    domain.records.clear()


@case(step="6", errors=["no_address"])
def name_without_address(domain):
    domain.records.clear()
    domain.record(domain.name, "TXT nothing")


@case(step=None, errors=["dns_failed"], status=3)
def dns_server_fails(domain):
    domain.records.clear()
    domain.failing.append(domain.name)


@case(step=None, errors=["dns_failed"], status=3, arguments=["--dns", SILENT, "--timeout", "1"])
def dns_server_is_silent(domain):
    domain.records.clear()


@case(step=None, errors=["srv_failed"], status=3)
def srv_question_fails(domain):
    domain.delegate(domain.matrix)
    domain.failing.append(f"_tcp.{domain.matrix}")


@case(step=None, errors=["dns_failed"], status=3)
def cname_that_leads_to_itself(domain):
    domain.records.clear()
    domain.record(domain.name, f"CNAME {domain.matrix}")
    domain.record(domain.matrix, f"CNAME {domain.name}")


@case(step="3.2", errors=["name_not_found"], arguments=["--no-client"])
def delegated_to_no_such_name(domain):
    domain.addresses(domain.matrix)


@case(warnings=["address_private"])
def private_address(domain):
    domain.addresses(domain.matrix, PRIVATE[0])


@case(errors=["address_local", "address_local"])
def address_of_every_machine(domain):
    domain.addresses(domain.matrix, "127.0.0.1")


@case(errors=["address_local"] * 16, warnings=["too_many_addresses"], status=1, arguments=["--no-client"])
def more_addresses_than_are_tried(domain):
    domain.addresses(domain.matrix, *[f"127.0.0.{number}" for number in range(1, 18)])


@case(warnings=["no_route"])
def homeserver_behind_a_network_without_route(domain):
    alone(domain)
    domain.addresses(domain.matrix, HOME[0], "2001:db8:1::20")


@case(step=None, warnings=["no_route"], status=3, arguments=["--no-client"])
def document_behind_a_network_without_route(domain):
    domain.addresses(domain.name, "2001:db8:1::12")


# The document


@case(step="4", errors=["well_known_m_server_invalid"], status=0)
def m_server_is_a_url(domain):
    falls_back(domain)
    domain.delegate(f"https://{domain.matrix}:8448")


@case(step="4", errors=["well_known_m_server_invalid"], status=0)
def m_server_ends_in_a_slash(domain):
    falls_back(domain)
    domain.delegate(f"{domain.matrix}:8448/")


@case(step="4", errors=["well_known_m_server_invalid"], status=0)
def m_server_has_port_0(domain):
    falls_back(domain)
    domain.delegate(f"{domain.matrix}:0")


@case(step="4", errors=["well_known_m_server_invalid"], status=0)
def m_server_has_control_characters(domain):
    falls_back(domain)
    domain.delegate("\x1b[31mred\x1b]0;title\x07\u202e\x9b2J.example\n✓ all is well")


@case(step="4", errors=["well_known_no_m_server"], status=0)
def m_server_is_missing(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = page({"server": domain.m_server})


@case(step="4", errors=["well_known_no_m_server"], status=0)
def m_server_is_an_array(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = page({"m.server": [domain.m_server]})


@case(step="4", errors=["well_known_not_json"], status=0)
def document_is_html(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = page("<!doctype html><p>Welcome")


@case(step="4", errors=["well_known_not_json"], status=0)
def document_nests_too_deep(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = page("[" * 20000)


@case(step="4", errors=["well_known_not_json"], status=0)
def document_names_m_server_twice(domain):
    falls_back(domain)
    text = f'{{"m.server": "{domain.m_server}", "m.server": "other.example"}}'
    domain.apex.routes[SERVER] = page(text)


@case(step="4", errors=["answer_too_large"], status=0)
def document_is_too_large(domain):
    falls_back(domain)
    padding = " " * (50 * 1024)
    domain.apex.routes[SERVER] = page(f'{{"m.server": "{domain.m_server}"}}{padding}')


@case(step="4", errors=["answer_too_large"], status=0)
def document_never_ends(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = {"quirk": "endless_body"}


@case(step="4", errors=["answer_too_large"], status=0)
def headers_never_end(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = {"quirk": "endless_headers"}


@case(step="4", warnings=["answer_timeout"], arguments=["--timeout", "3"])
def document_comes_a_byte_a_second(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = {"quirk": "drip"}


@case(step="4", errors=["answer_broken"], status=0)
def document_is_cut_off(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = {"quirk": "cut"}


@case(step="4", errors=["answer_broken"], status=0)
def document_is_a_mail_server(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = {"quirk": "garbage"}


@case(step="4", errors=["well_known_status"], status=0)
def document_with_status_500(domain):
    falls_back(domain)
    domain.apex.routes[SERVER]["status"] = 500


@case(warnings=["well_known_cache_long"])
def document_kept_for_a_year(domain):
    alone(domain)
    domain.apex.routes[SERVER]["headers"] = {**DOCUMENT, "Cache-Control": "max-age=31536000"}


@case(warnings=["well_known_cache_short"])
def document_not_kept(domain):
    alone(domain)
    domain.apex.routes[SERVER]["headers"] = {**DOCUMENT, "Cache-Control": "no-cache, no-store"}


@case(errors=["well_known_differs"])
def document_only_over_ipv4(domain):
    domain.at("apex", domain.name, ODD[1]).routes.pop(SERVER)


@case(errors=["well_known_differs"])
def another_document_over_ipv6(domain):
    site = domain.at("apex", domain.name, ODD[1])
    site.routes[SERVER] = page({"m.server": f"old.{domain.name}:8448"})


@case(errors=["certificate_name"])
def wrong_certificate_over_ipv6(domain):
    domain.at("apex", domain.name, ODD[1]).certificate("www.example")


@case(warnings=["connection_refused"])
def document_refused_over_ipv6(domain):
    domain.addresses(domain.name, ODD[0], HOME[1])


# Redirects


@case(step="4", errors=["redirect_loop"], status=0)
def redirects_in_a_loop(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = redirect("/elsewhere")
    domain.apex.routes["/elsewhere"] = redirect(f"https://{domain.name}{SERVER}")


@case(step="4", errors=["redirect_too_many"], status=0)
def six_redirects(domain):
    falls_back(domain)
    for number in range(6):
        domain.apex.routes[SERVER + (str(number) if number else "")] = redirect(
            f"server{number + 1}"
        )


@case(step="4", errors=["redirect_scheme"], status=0)
def redirects_to_a_file(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = redirect("file:///etc/passwd")


@case(step="4", errors=["redirect_local"], status=0)
def redirects_to_localhost(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = redirect("https://127.0.0.1:8443/")


@case(step="4", errors=["redirect_local"], status=0)
def redirects_to_a_name_of_localhost(domain):
    falls_back(domain)
    domain.addresses(f"trap.{domain.name}", "::ffff:127.0.0.1")
    domain.apex.routes[SERVER] = redirect(f"https://trap.{domain.name}/")


@case(step="4", errors=["redirect_invalid"], status=0)
def redirects_with_a_password(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = redirect(f"https://user:password@{domain.name}/")


@case(step="4", errors=["redirect_unresolved"], status=0)
def redirects_to_no_such_host(domain):
    falls_back(domain)
    domain.apex.routes[SERVER] = redirect(f"https://gone.{domain.name}/")


@case(warnings=["redirect_insecure"])
def redirects_to_plain_http(domain):
    alone(domain)
    domain.apex.routes[SERVER] = redirect(f"http://{domain.name}/plain-document")


# SRV records


@case(step="4", warnings=["srv_target_cname"])
def srv_target_is_a_cname(domain):
    domain.without_document()
    alone(domain)
    domain.srv(domain.name, f"alias.{domain.name}")
    domain.record(f"alias.{domain.name}", f"CNAME {domain.matrix}")


@case(step="4", errors=["srv_target_unresolved"])
def srv_target_without_address(domain):
    domain.without_document()
    alone(domain)
    domain.srv(domain.name, f"gone.{domain.name}")
    domain.srv(domain.name, domain.matrix, service="_matrix")


@case(step="4", errors=["srv_target_invalid"])
def srv_with_port_0(domain):
    domain.without_document()
    alone(domain)
    domain.srv(domain.name, domain.matrix, 0)


@case(step="4", errors=["srv_target_invalid"])
def srv_to_an_ip_address(domain):
    domain.without_document()
    alone(domain)
    domain.srv(domain.name, "127.0.0.1")


@case(step="4", errors=["srv_target_unresolved"] * 16, warnings=["srv_too_many"])
def more_srv_records_than_are_tried(domain):
    domain.without_document()
    alone(domain)
    for number in range(17):
        domain.srv(domain.name, f"gone{number:02}.{domain.name}")


@case(step="4", errors=["srv_not_offered"])
def srv_says_no_service(domain):
    domain.without_document()
    alone(domain)
    domain.srv(domain.name, ".", 0)


@case(step="4", errors=["certificate_name_srv"])
def srv_with_the_targets_certificate(domain):
    domain.without_document()
    alone(domain)
    domain.home.certificate(domain.matrix)
    domain.srv(domain.name, domain.matrix)


@case(warnings=["srv_deprecated", "srv_points_elsewhere"])
def stale_srv_to_another_machine(domain):
    alone(domain)
    domain.srv(domain.name, f"old.{domain.name}", service="_matrix")
    domain.addresses(f"old.{domain.name}", DAEMON[0])


@case(warnings=["srv_target_unresolved"])
def stale_srv_to_no_such_host(domain):
    alone(domain)
    domain.srv(domain.name, f"old.{domain.name}")


# The homeserver's address


@case(errors=["connection_refused"], arguments=BRIEF)
def homeserver_refuses(domain):
    alone(domain)
    domain.delegate(f"{domain.matrix}:9999")


@case(errors=["connection_timeout"], arguments=[*BRIEF, "--timeout", "3"])
def homeserver_is_silent(domain):
    alone(domain)
    domain.addresses(domain.matrix, SILENT)


@case(warnings=["connection_refused"])
def homeserver_refuses_over_ipv6(domain):
    domain.addresses(domain.matrix, HOME[0], ODD[1])


@case(errors=["certificate_name"])
def homeserver_with_wrong_certificate_over_ipv6(domain):
    site = domain.at("home", domain.matrix, HOME[1])
    site.certificate("other.example", "*.other.example")


@case(step="3.5", errors=["connection_refused"], arguments=BRIEF)
def m_server_lacks_the_port(domain):
    alone(domain)
    domain.delegate(domain.matrix)
    domain.addresses(domain.matrix, DAEMON[0])


@case(errors=["tls_failed"], arguments=BRIEF)
def homeserver_without_tls(domain):
    alone(domain)
    domain.delegate(f"{domain.matrix}:8008")


@case(errors=["answer_timeout"], arguments=[*BRIEF, "--timeout", "3"])
def homeserver_never_shakes_hands(domain):
    alone(domain)
    domain.delegate(f"{domain.matrix}:8007")


@case(errors=["tls_failed"], arguments=BRIEF)
def homeserver_on_the_testers_machine(domain):
    """A public address that DNS records lead to may be this machine's; it is asked."""
    alone(domain)
    domain.addresses(domain.matrix, TESTER[0])


@case(errors=["tls_failed"], arguments=BRIEF)
def homeserver_knows_no_such_name(domain):
    alone(domain)
    del domain.sites["home", domain.matrix]


@case(errors=["certificate_name"], arguments=BRIEF)
def certificate_for_another_name(domain):
    alone(domain)
    domain.home.certificate("\x1b[2Jother.example", "b.example", "c.example", "d.example", "e.example")


@case(errors=["certificate_expired"], arguments=BRIEF)
def certificate_has_expired(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, days=(-90, -3))


@case(errors=["certificate_not_yet_valid"], arguments=BRIEF)
def certificate_of_tomorrow(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, days=(1, 90))


@case(errors=["certificate_self_signed"], arguments=BRIEF)
def certificate_is_self_signed(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, flaw="self_signed")


@case(errors=["certificate_chain"], arguments=BRIEF)
def certificate_without_its_intermediate(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, flaw="chain")


@case(errors=["certificate_untrusted"], arguments=BRIEF)
def certificate_of_an_unknown_ca(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, authority="unknown")


@case(errors=["certificate_name"], arguments=BRIEF)
def certificate_with_a_common_name_only(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, flaw="common_name")


@case(errors=["certificate_weak"], arguments=BRIEF)
def certificate_signed_with_sha_1(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, flaw="sha_1")


@case(errors=["certificate_purpose"], arguments=BRIEF)
def certificate_for_clients(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, flaw="purpose")


@case(warnings=["certificate_expires_soon"], arguments=BRIEF)
def certificate_ends_soon(domain):
    alone(domain)
    domain.home.certificate(domain.matrix, days=(-85, 5))


# The homeserver's answers


@case(errors=["keys_status"], arguments=BRIEF)
def proxy_forwards_nothing(domain):
    alone(domain)
    domain.home.routes.clear()


@case(warnings=["version_status"], arguments=BRIEF)
def version_is_missing(domain):
    alone(domain)
    del domain.home.routes[VERSION]


@case(warnings=["version_invalid"], arguments=BRIEF)
def version_is_something_else(domain):
    alone(domain)
    domain.home.routes[VERSION] = page(["\x1b[0m"])


@case(errors=["keys_not_json"], arguments=BRIEF)
def keys_are_html(domain):
    alone(domain)
    domain.home.routes[KEYS] = page("<html>")


@case(errors=["keys_server_name"], arguments=BRIEF)
def keys_of_another_server(domain):
    alone(domain)
    domain.home.routes[KEYS] = page(key_document(domain.matrix))


@case(errors=["keys_server_name"], arguments=BRIEF)
def keys_in_another_case(domain):
    alone(domain)
    domain.home.routes[KEYS] = page(key_document(domain.name.upper()))


@case(errors=["keys_validity"], arguments=BRIEF)
def keys_without_validity(domain):
    alone(domain)
    document = key_document(domain.name, change=lambda keys: keys.pop("valid_until_ts"))
    domain.home.routes[KEYS] = page(document)


@case(errors=["keys_expired"], arguments=BRIEF)
def keys_have_expired(domain):
    alone(domain)
    domain.home.routes[KEYS] = page(key_document(domain.name, until=1600000000000))


@case(errors=["keys_missing"], arguments=BRIEF)
def keys_are_none(domain):
    alone(domain)
    document = key_document(domain.name, change=lambda keys: keys["verify_keys"].clear())
    domain.home.routes[KEYS] = page(document)


@case(errors=["keys_invalid"], arguments=BRIEF)
def key_is_too_short(domain):
    alone(domain)

    def shorten(keys):
        keys["verify_keys"]["ed25519:a_1"]["key"] = "c2hvcnQ"

    domain.home.routes[KEYS] = page(key_document(domain.name, change=shorten))


@case(errors=["keys_invalid"], arguments=BRIEF)
def keys_with_a_fraction(domain):
    alone(domain)
    document = key_document(domain.name, change=lambda keys: keys.update(half=0.5))
    domain.home.routes[KEYS] = page(document)


@case(errors=["keys_unsigned"], arguments=BRIEF)
def keys_are_unsigned(domain):
    alone(domain)
    document = key_document(domain.name, after=lambda keys: keys.pop("signatures"))
    domain.home.routes[KEYS] = page(document)


@case(errors=["keys_signature"], arguments=BRIEF)
def keys_signed_by_another_key(domain):
    alone(domain)
    domain.home.routes[KEYS] = page(key_document(domain.name, signer=homeserver.OTHER_KEY))


@case(errors=["keys_signature"], arguments=BRIEF)
def keys_changed_on_the_way(domain):
    alone(domain)
    document = key_document(domain.name, after=lambda keys: keys.update(note="changed"))
    domain.home.routes[KEYS] = page(document)


# Clients and people


@case(warnings=["client_absent", "client_cors"], status=0)
def client_document_missing_without_cors(domain):
    alone(domain)
    domain.apex.routes[CLIENT] = page("", {}, 404)


@case(errors=["client_cors"], status=0)
def client_document_without_cors(domain):
    alone(domain)
    domain.apex.routes[CLIENT]["headers"] = {"Content-Type": "application/json"}


@case(errors=["client_cors"], status=0)
def client_redirect_without_cors(domain):
    alone(domain)
    domain.apex.routes["/client"] = domain.apex.routes[CLIENT]
    domain.apex.routes[CLIENT] = redirect("/client", {})


@case(errors=["client_status"], status=0)
def client_document_with_status_503(domain):
    alone(domain)
    domain.apex.routes[CLIENT]["status"] = 503


@case(errors=["client_not_json"], status=0)
def client_document_is_broken(domain):
    alone(domain)
    domain.apex.routes[CLIENT] = page('{"m.homeserver": ')


@case(errors=["client_no_base_url"], status=0)
def client_document_without_base_url(domain):
    alone(domain)
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"url": "https://example.com"}})


@case(errors=["client_base_url_invalid"], status=0)
def base_url_without_scheme(domain):
    alone(domain)
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": domain.matrix}})


@case(errors=["client_base_url_invalid"], status=0)
def base_url_over_http(domain):
    alone(domain)
    document = {"m.homeserver": {"base_url": f"http://{domain.matrix}"}}
    domain.apex.routes[CLIENT] = page(document)


@case(errors=["client_base_url_invalid"], status=0)
def base_url_of_no_such_host(domain):
    alone(domain)
    document = {"m.homeserver": {"base_url": f"https://gone.{domain.name}"}}
    domain.apex.routes[CLIENT] = page(document)


@case(errors=["address_local"], status=0)
def base_url_of_every_machine(domain):
    alone(domain)
    domain.apex.routes[CLIENT] = page({"m.homeserver": {"base_url": "https://[::1]:8448"}})


@case(errors=["client_identity_server_invalid"], status=0)
def identity_server_without_scheme(domain):
    alone(domain)
    document = {
        "m.homeserver": {"base_url": f"https://{domain.matrix}:8448"},
        "m.identity_server": {"base_url": "id.example"},
    }
    domain.apex.routes[CLIENT] = page(document)


@case(errors=["client_versions_status"], status=0)
def base_url_without_client_api(domain):
    alone(domain)
    del domain.home.routes[VERSIONS]


@case(errors=["client_versions_invalid"], status=0)
def base_url_of_a_website(domain):
    alone(domain)
    domain.home.routes[VERSIONS] = page("<html>", {**CORS, "Content-Type": "text/html"})


@case(errors=["client_versions_cors"], status=0)
def client_api_without_cors(domain):
    alone(domain)
    domain.home.routes[VERSIONS]["headers"] = {"Content-Type": "application/json"}


@case(warnings=["support_invalid"])
def support_without_contacts(domain):
    alone(domain)
    domain.apex.routes[SUPPORT] = page({"contacts": []})
