"""What the daemon answers: each row of the interface, on every kind of listener."""

import json

import pytest
from harness.wire import CLIENT, POLICY_SERVER, SERVER, SUPPORT

KEY = "6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS-s"
CONFIGURATION = """
listen      = {{ "127.0.0.1:0", "[::1]:0", "unix:{directory}/https.sock" }}
listen_http = {{ "127.0.0.1:0", "[::1]:0", "unix:{directory}/http.sock" }}
{certificate}
max_age = 7200
domain "example.com" {{
    server          = "matrix.example.com:8448"
    client          = "https://matrix.example.com"
    identity_server = "https://id.example.com"
    client_extra    = "extra.json"
    policy_server_ed25519 = "{key}"
    support {{
        page = "https://example.com/support"
        contact {{
            role = "m.role.admin"
            matrix_id = "@admin:example.com"
            email_address = "admin@example.com"
        }}
        contact {{ role = "m.role.security"  email_address = "security@example.com" }}
    }}
}}
domain "minimal.example" {{ server = "[2001:db8::1]:443" }}
domain "moved.example" {{
    server   = "matrix.moved.example"
    redirect = "https://www.moved.example"
}}
"""
FOCI = {"org.matrix.msc4143.rtc_foci": [{"type": "livekit", "livekit_service_url": "https://é"}]}
DOCUMENTS = {
    SERVER: {"m.server": "matrix.example.com:8448"},
    CLIENT: {
        "m.homeserver": {"base_url": "https://matrix.example.com"},
        "m.identity_server": {"base_url": "https://id.example.com"},
        **FOCI,
    },
    SUPPORT: {
        "contacts": [
            {
                "role": "m.role.admin",
                "matrix_id": "@admin:example.com",
                "email_address": "admin@example.com",
            },
            {"role": "m.role.security", "email_address": "security@example.com"},
        ],
        "support_page": "https://example.com/support",
    },
    POLICY_SERVER: {"public_keys": {"ed25519": KEY}},
}
LISTENERS = ("https", "https6", "https_unix", "http", "http6", "http_unix")


@pytest.fixture(scope="module")
def listeners(start_once, site):
    directory = start_once.directory
    (directory / "extra.json").write_text(json.dumps(FOCI))
    certificate = site.settings(directory)
    daemon = start_once.configured(
        CONFIGURATION.format(directory=directory, certificate=certificate, key=KEY)
    )
    return {
        "https": daemon.https[0],
        "https6": daemon.https[1],
        "https_unix": daemon.endpoint(directory / "https.sock", tls=True),
        "http": daemon.http[0],
        "http6": daemon.http[1],
        "http_unix": daemon.endpoint(directory / "http.sock"),
    }


@pytest.fixture
def http(listeners):
    return listeners["http"]


def assert_browser_may_read(answer):
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE, OPTIONS"
    assert (
        answer["Access-Control-Allow-Headers"] == "X-Requested-With, Content-Type, Authorization"
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    if answer.body:
        assert answer["Content-Type"] == "application/json"


def assert_matrix_error(answer, status, errcode):
    assert (answer.status, answer.json["errcode"]) == (status, errcode)
    assert isinstance(answer.json["error"], str) and answer.json["error"]
    assert_browser_may_read(answer)


@pytest.mark.parametrize("version", ("1.1", "1.0"))
@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.rpartition("/")[2])
def test_each_document_is_answered_on_each_listener(listeners, listener, document, version):
    answer = listeners[listener].get(document, version=version)
    assert (answer.status, answer.json) == (200, DOCUMENTS[document])
    assert_browser_may_read(answer)
    assert answer["Cache-Control"] == "public, max-age=7200"
    assert answer["ETag"].startswith('"') and answer["ETag"].endswith('"')


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.rpartition("/")[2])
def test_head_has_the_headers_of_get_and_no_body(listeners, listener, document):
    got = listeners[listener].get(document)
    headed = listeners[listener].get(document, method="HEAD")
    assert headed.status == 200

    def lasting(answer):
        return sorted(header for header in answer.headers if header[0] != "Date")

    assert lasting(headed) == lasting(got)


@pytest.mark.parametrize("document", (CLIENT, SUPPORT, POLICY_SERVER))
def test_a_document_that_is_not_configured_is_not_found(http, document):
    assert_matrix_error(http.get(document, host="minimal.example"), 404, "M_NOT_FOUND")
    assert_matrix_error(http.get(document, host="moved.example"), 404, "M_NOT_FOUND")


def test_each_domain_has_its_own_documents(http):
    assert http.get(host="minimal.example").json == {"m.server": "[2001:db8::1]:443"}
    assert http.get(host="moved.example").json == {"m.server": "matrix.moved.example"}


@pytest.mark.parametrize(
    "value",
    (
        "{etag}",
        "*",
        "W/{etag}",
        '"other", {etag}',
        '"other",{etag},"another"',
        'W/"other" , W/{etag}',
        '"a, comma", {etag}',
        ', , {etag}',
    ),
)
@pytest.mark.parametrize("method", ("GET", "HEAD"))
def test_a_client_that_has_the_document_gets_304(http, method, value):
    whole = http.get()
    etag = whole["ETag"]
    headers = [("If-None-Match", value.format(etag=etag))]
    answer = http.get(method=method, headers=headers)
    assert answer.status == 304
    assert answer.all("Content-Length") in ([], [whole["Content-Length"]])  # RFC 9110, 8.6
    assert answer["ETag"] == etag
    assert answer["Cache-Control"] == "public, max-age=7200"
    assert_browser_may_read(answer)


@pytest.mark.parametrize(
    "value", ('"other"', "", '"', '"prefix{bare}"', "{bare}", 'W/"other"', '"other, {etag}"')
)
def test_a_client_that_has_another_document_gets_the_whole(http, value):
    etag = http.get()["ETag"]
    headers = [("If-None-Match", value.format(etag=etag, bare=etag.strip('"')))]
    answer = http.get(headers=headers)
    assert (answer.status, answer.json) == (200, DOCUMENTS[SERVER])


def test_documents_that_differ_have_etags_that_differ(http):
    documents = [http.get(document)["ETag"] for document in DOCUMENTS]
    documents.append(http.get(host="minimal.example")["ETag"])
    assert len(set(documents)) == len(documents)


def test_a_missing_document_is_not_found_even_where_any_etag_would_match(http):
    answer = http.get(CLIENT, host="minimal.example", headers=[("If-None-Match", "*")])
    assert_matrix_error(answer, 404, "M_NOT_FOUND")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.rpartition("/")[2])
def test_a_browsers_preflight_gets_204(http, document):
    preflight = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET")]
    answer = http.get(document, method="OPTIONS", headers=preflight)
    assert answer.status == 204
    assert_browser_may_read(answer)


@pytest.mark.parametrize("method", ("POST", "PUT", "DELETE", "PATCH", "BREW", "get"))
@pytest.mark.parametrize("document", (SERVER, CLIENT))
def test_another_method_is_refused_with_those_allowed(listeners, method, document):
    for listener in ("https", "http"):
        answer = listeners[listener].get(document, method=method)
        assert_matrix_error(answer, 405, "M_UNRECOGNIZED")
        assert {one.strip() for one in answer["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


def test_a_post_with_a_body_is_refused_and_the_connection_stays_in_step(http):
    with http.connect() as connection:
        answer = connection.request(method="POST", body=b"GET / HTTP/1.1\r\n" * 10)
        assert_matrix_error(answer, 405, "M_UNRECOGNIZED")
        if answer.all("Connection") != ["close"]:
            assert connection.request().status == 200


@pytest.mark.parametrize(
    "path",
    (
        "/",
        "/index.html",
        "/.well-known/matrix",
        "/.well-known/matrix/",
        "/.well-known/matrix/server/",
        "/.well-known/matrix/servers",
        "/.well-known/matrix/Server",
        "/.well-known/matrix/serve",
        "/_matrix/federation/v1/version",
        "/.well-known/matrix/../../etc/passwd",
        "/server",
        "/?/.well-known/matrix/server",
    ),
)
def test_any_other_path_is_unrecognized(listeners, path):
    for listener in ("https", "http"):
        assert_matrix_error(listeners[listener].get(path), 404, "M_UNRECOGNIZED")


@pytest.mark.parametrize("query", ("?", "?x=1", "?a=b&c=d%20e", "?" + "x" * 2000))
def test_a_query_string_is_ignored(http, query):
    assert http.get(SERVER + query).json == DOCUMENTS[SERVER]


@pytest.mark.parametrize(
    "path",
    (
        "/",
        "/blog/post",
        "/a?x=1&y=2",
        "/a%2Fb%20c?x=%26y%3D&z=%C3%A9",
        "/?q=a+b?c",
        "/.well-known/matrix/other",
        "/.well-known/other",
        "/%0d%0aSet-Cookie:%20x=1",
        "//elsewhere.example/path",
        "/a;b,c'd(e)!*~",
        "/" + "long" * 500,
    ),
)
def test_a_domain_that_moved_redirects_with_path_and_query_kept(listeners, path):
    for listener in ("https", "http"):
        answer = listeners[listener].get(path, host="moved.example")
        assert answer.status == 308
        assert answer["Location"] == "https://www.moved.example" + path
        assert_browser_may_read(answer)


def test_a_domain_that_moved_redirects_whatever_the_method(http):
    for method in ("HEAD", "POST", "PUT"):
        answer = http.get("/a?b", method=method, host="moved.example")
        assert (answer.status, answer["Location"]) == (308, "https://www.moved.example/a?b")


def test_a_redirect_of_an_absolute_target_keeps_only_its_path_and_query(http):
    answer = http.get("http://moved.example/a?b=c", host="moved.example")
    assert answer["Location"] == "https://www.moved.example/a?b=c"


@pytest.mark.parametrize("path", (SERVER, CLIENT, "/", "/other"))
def test_an_unknown_host_is_named(http, path):
    answer = http.get(path, host="unknown.example:8448")
    assert_matrix_error(answer, 404, "M_NOT_FOUND")
    assert "unknown.example" in answer.json["error"]


@pytest.mark.parametrize(
    "host", ("sub.example.com", "xexample.com", "example.comx", "com", "127.0.0.1", "[::1]:8448")
)
def test_a_host_that_only_resembles_a_domain_is_unknown(http, host):
    assert_matrix_error(http.get(host=host), 404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    "host",
    (
        "EXAMPLE.com",
        "example.com:443",
        "example.com:1",
        "example.com.",
        "Example.Com.:8448",
        "example.com:",
    ),
)
def test_hosts_compare_without_case_port_and_trailing_dot(http, host):
    assert http.get(host=host).json == DOCUMENTS[SERVER]


@pytest.mark.parametrize(
    "target",
    (
        "http://example.com" + SERVER,
        "https://example.com" + SERVER,
        "HTTP://EXAMPLE.com:8080" + SERVER + "?query",
    ),
)
def test_the_host_of_an_absolute_target_counts_instead_of_the_header(listeners, target):
    for listener in ("https", "http"):
        assert listeners[listener].get(target, host="example.com").json == DOCUMENTS[SERVER]
        assert listeners[listener].get(target, host="minimal.example").json == DOCUMENTS[SERVER]


def test_the_host_of_an_unknown_absolute_target_is_named(http):
    answer = http.get("http://unknown.example" + SERVER, host="example.com")
    assert_matrix_error(answer, 404, "M_NOT_FOUND")
    assert "unknown.example" in answer.json["error"]


@pytest.mark.parametrize("listener", LISTENERS)
def test_a_connection_serves_one_request_after_another(listeners, listener):
    with listeners[listener].connect() as connection:
        for document, expected in DOCUMENTS.items():
            assert connection.request(document).json == expected
        assert connection.request("/other").status == 404
        assert connection.request(method="HEAD").status == 200
        assert connection.request(host="minimal.example").json["m.server"] == "[2001:db8::1]:443"


def test_http_1_0_closes_the_connection_unless_asked_to_keep_it(http):
    with http.connect() as connection:
        assert connection.request(version="1.0").status == 200
        assert connection.read_to_end() == b""


def test_http_1_0_needs_no_host_where_any_host_is_answered(start):
    http = start.plain().http[0]
    assert http.get(version="1.0", host=None).json == DOCUMENTS[SERVER]


def test_without_a_domain_any_host_is_answered(start):
    http = start.plain().http[0]
    for host in ("example.com", "whatever.example:8080", "127.0.0.1", "[::1]:8080", "localhost"):
        assert http.get(host=host).json == DOCUMENTS[SERVER]


def test_the_option_domain_answers_for_that_host_only(start):
    http = start.plain("--domain", "Example.com").http[0]
    assert http.get(host="example.com").status == 200
    assert_matrix_error(http.get(host="other.example"), 404, "M_NOT_FOUND")


def test_the_domain_star_answers_for_any_other_host(start):
    daemon = start.configured(
        """
        listen_http = { "127.0.0.1:0" }
        domain "*" { server = "fallback.example:1" }
        domain "example.com" { server = "own.example:2" }
        """
    )
    assert daemon.http[0].get(host="example.com").json == {"m.server": "own.example:2"}
    assert daemon.http[0].get(host="else.example").json == {"m.server": "fallback.example:1"}
    assert daemon.http[0].get(host="[::1]").json == {"m.server": "fallback.example:1"}


def test_the_client_document_needs_no_extra(start):
    http = start.plain("--client", "https://matrix.example.com").http[0]
    assert http.get(CLIENT).json == {"m.homeserver": {"base_url": "https://matrix.example.com"}}
    assert http.get()["Cache-Control"] == "public, max-age=3600"
