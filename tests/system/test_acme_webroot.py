"""http-01 (RFC 8555, section 8.3), and the way from plain HTTP to HTTPS."""

import os

import pytest
from harness.daemon import HTTPS, PLAIN, SERVER_OPTION, free_port, run
from harness.wire import CLIENT, SERVER

PREFIX = "/.well-known/acme-challenge/"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA"
CONTENT = f"{TOKEN}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "X-Requested-With, Content-Type, Authorization",
}


@pytest.fixture
def webroot(tmp_path):
    directory = tmp_path / "webroot"
    (directory / PREFIX[1:]).mkdir(parents=True)
    return directory


@pytest.fixture
def http(start, webroot):
    return start.plain("--acme-webroot", webroot).http[0]


def place(webroot, token=TOKEN, content=CONTENT):
    """Writes a token as certbot does."""
    file = webroot / PREFIX[1:] / token
    file.write_text(content)
    return file


def assert_not_found(answer):
    assert answer.status == 404
    assert answer.json["errcode"] == "M_NOT_FOUND" and "challenge" in answer.json["error"]
    for name, value in CORS.items():
        assert answer[name] == value


def test_a_token_is_served_as_bytes_with_the_headers_of_every_answer(http, webroot):
    place(webroot)
    answer = http.get(PREFIX + TOKEN)
    assert answer.status == 200 and answer.body == CONTENT.encode()
    assert answer["Content-Type"] == "application/octet-stream"
    for name, value in CORS.items():
        assert answer[name] == value


def test_a_token_may_lie_in_the_directory_itself(http, webroot):
    (webroot / TOKEN).write_bytes(b"\x00\xff")
    assert http.get(PREFIX + TOKEN).body == b"\x00\xff"
    place(webroot)
    assert http.get(PREFIX + TOKEN).body == CONTENT.encode()


@pytest.mark.parametrize("host", ("example.com", "other.example:80", "192.0.2.1", "[2001:db8::1]"))
def test_a_token_is_served_for_any_host(start, webroot, host):
    place(webroot)
    line = ("--domain", "example.com", "--acme-webroot", webroot)
    assert start.plain(*line).http[0].get(PREFIX + TOKEN, host=host).status == 200


def test_a_token_that_is_taken_away_is_gone(http, webroot):
    file = place(webroot)
    assert http.get(PREFIX + TOKEN).status == 200
    file.unlink()
    assert_not_found(http.get(PREFIX + TOKEN))


def test_other_methods_are_answered_as_everywhere(http, webroot):
    place(webroot)
    head = http.get(PREFIX + TOKEN, method="HEAD")
    assert head.status == 200 and head["Content-Length"] == str(len(CONTENT))
    assert http.get(PREFIX + TOKEN, method="OPTIONS").status == 204
    assert http.get(PREFIX + TOKEN, method="POST").status == 405


def test_a_query_is_ignored(http, webroot):
    place(webroot)
    assert http.get(PREFIX + TOKEN + "?a=b").status == 200


@pytest.mark.parametrize(
    "token",
    (
        "", ".", "..", "../secret", "../../secret", "%2e%2e/secret", "..%2fsecret", "sub/secret",
        "a.b", "a.b.c", ".hidden", "a+b", "a=b", "a%41", "a~b", "a*", "a" * 256, "a" * 4000,
        "/secret", "secret/", "secret%00", "a\\b", "a|b",
    ),
    ids=lambda token: token[:16],
)
def test_what_is_no_token_is_not_found(http, webroot, token):
    (webroot / PREFIX[1:] / "sub").mkdir()
    names = ("a.b", "a.b.c", ".hidden", "a+b", "a=b", "aA", "a~b", "sub/secret", "../secret", "a|b")
    for name in names:
        (webroot / PREFIX[1:] / name).write_text("secret")
    for directory in (webroot.parent, webroot):
        (directory / "secret").write_text("secret")
    assert_not_found(http.get(PREFIX + token))


def test_neither_a_link_nor_a_link_on_the_way_is_followed(http, start, webroot):
    secret = webroot.parent / "secret"
    secret.mkdir()
    (secret / "token").write_text("secret")
    (webroot / PREFIX[1:] / "link").symlink_to("../../../secret/token")
    (webroot / "direct").symlink_to(secret / "token")
    for token in ("link", "direct"):
        assert_not_found(http.get(PREFIX + token))
    linked = webroot.parent / "linked"
    (linked / ".well-known").mkdir(parents=True)
    (linked / PREFIX[1:-1]).symlink_to(secret)
    daemon = start.plain("--acme-webroot", linked)
    assert_not_found(daemon.http[0].get(PREFIX + "token"))
    assert "acme-challenge/token" in daemon.wait_for_log("matrix-wellknownd: ")


def test_the_webroot_itself_may_be_a_link(start, webroot):
    place(webroot)
    link = webroot.parent / "link"
    link.symlink_to("webroot")
    assert start.plain("--acme-webroot", link).http[0].get(PREFIX + TOKEN).status == 200


@pytest.mark.parametrize("kind", ("fifo", "directory", "empty", "4 KiB and one", "a megabyte"))
def test_what_is_no_small_regular_file_is_not_found_and_told_once(start, webroot, kind):
    daemon = start.plain("--acme-webroot", webroot)
    http = daemon.http[0]
    file = webroot / PREFIX[1:] / TOKEN
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "directory":
        file.mkdir()
    else:
        file.write_bytes(b"x" * {"empty": 0, "4 KiB and one": 4097, "a megabyte": 1_000_000}[kind])
    for _ in range(20):
        assert_not_found(http.get(PREFIX + TOKEN))
    assert str(file) in daemon.wait_for_log("matrix-wellknownd: ")
    assert daemon.log.count("matrix-wellknownd: ") == 1
    assert http.get().status == 200


def test_4_kib_are_served(http, webroot):
    place(webroot, content="x" * 4096)
    assert len(http.get(PREFIX + TOKEN).body) == 4096


def test_tokens_are_served_on_plain_listeners_only(start, site, webroot, tmp_path):
    place(webroot)
    daemon = start(
        *SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path), "--acme-webroot", webroot,
        "--metrics-listen", "127.0.0.1:0",
    )
    for endpoint in (daemon.https[0], daemon.metrics[0]):
        assert endpoint.get(PREFIX + TOKEN).status == 404
    assert daemon.http[0].get(PREFIX + TOKEN).status == 200


def test_without_a_webroot_there_is_nothing_at_such_paths(start):
    assert start.plain().http[0].get(PREFIX + TOKEN).json["errcode"] == "M_UNRECOGNIZED"


def test_documents_are_served_as_ever(http):
    assert http.get().status == 200


# http_redirect


@pytest.fixture
def redirecting(start, site, webroot, tmp_path):
    return start(
        *SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path), "--http-redirect",
        "--acme-webroot", webroot, "--domain", "example.com",
    )


@pytest.mark.parametrize(
    "target", (SERVER, CLIENT, "/", "/a/b?c=d&e=%20f", "/?", "/.well-known/acme-challenge")
)
@pytest.mark.parametrize("method", ("GET", "HEAD", "POST", "OPTIONS"))
def test_everything_is_sent_to_https_with_path_and_query(redirecting, method, target):
    answer = redirecting.http[0].get(target, method=method)
    assert answer.status == 308 and answer["Location"] == f"https://example.com{target}"
    for name, value in CORS.items():
        assert answer[name] == value


def test_the_host_is_kept_without_its_port(redirecting):
    answer = redirecting.http[0].get("/a", host="EXAMPLE.com.:8080")
    assert answer["Location"] == "https://example.com/a"


def test_an_absolute_target_names_the_host(redirecting):
    answer = redirecting.http[0].get("http://example.com:8080?a", host="other.example")
    assert answer["Location"] == "https://example.com/?a"


def test_a_bad_host_is_not_redirected(redirecting):
    http = redirecting.http[0]
    assert http.get(host="other.example").status == 404
    assert http.get(host=None).status == 400
    assert http.get(host="a b").status == 400
    assert http.get(headers=[("Host", "example.com")]).status == 400


def test_http_1_0_without_a_host_is_sent_to_the_only_one(redirecting, start):
    answer = redirecting.http[0].get("/a", host=None, version="1.0")
    assert answer["Location"] == "https://example.com/a"
    # Of any host there is no name to send to.
    anyone = start.plain("--http-redirect").http[0]
    assert anyone.get("/a", host=None, version="1.0").status == 400


def test_challenges_are_not_redirected(redirecting, webroot):
    place(webroot)
    assert redirecting.http[0].get(PREFIX + TOKEN).status == 200
    assert_not_found(redirecting.http[0].get(PREFIX + "none"))


def test_https_is_not_redirected(redirecting):
    assert redirecting.https[0].get().status == 200
    assert redirecting.https[0].get("/a").status == 404


def test_redirected_documents_are_counted_as_such(start):
    daemon = start.plain("--http-redirect", "--metrics-listen", "127.0.0.1:0")
    daemon.http[0].get()
    metrics = daemon.metrics[0].get("/metrics").body.decode()
    assert 'requests_total{document="server",status="308"} 1' in metrics


def test_a_redirect_without_an_https_listener_gets_a_warning(start):
    assert "circle" in start.plain("--http-redirect").wait_for_log("warning: ")


@pytest.mark.parametrize("option", ("--http-redirect", "--acme-webroot=."))
def test_settings_for_plain_http_without_such_a_listener_get_a_warning(site, tmp_path, option):
    tested = run(*SERVER_OPTION, *HTTPS, *site.options(tmp_path), option, "--test")
    assert tested.returncode == 0 and "warning: " in tested.stderr
    assert "listen_http" in tested.stderr


def test_the_health_check_knows_that_plain_http_is_redirected(start):
    line = (*SERVER_OPTION, "--listen-http", f"127.0.0.1:{free_port()}")
    start(*line, "--http-redirect")
    assert run(*line, "--http-redirect", "--health-check").returncode == 0
    assert "308" in run(*line, "--health-check").stderr
