"""Settings that are wrong: each is refused with where it stands and what would be right."""

import re

import pytest
from harness.daemon import SERVER_OPTION, run

BAD_SERVERS = {
    "a URL": "https://matrix.example.com",
    "a URL with port": "https://matrix.example.com:8448/",
    "a path": "matrix.example.com/path",
    "a trailing slash": "matrix.example.com:8448/",
    "a user": "user@matrix.example.com",
    "port 0": "matrix.example.com:0",
    "port 65536": "matrix.example.com:65536",
    "a port of six digits": "matrix.example.com:008448",
    "a port that is a word": "matrix.example.com:https",
    "a colon and no port": "matrix.example.com:",
    "a negative port": "matrix.example.com:-1",
    "an empty label": "matrix..example.com",
    "a leading dot": ".example.com",
    "a label of 64": "a" * 64 + ".example.com",
    "a name of 256": ".".join(["a" * 63] * 4) + "a",
    "an IPv4 literal over 255": "256.1.1.1",
    "an IPv4 literal of five": "1.2.3.4.5",
    "an IPv6 literal without brackets": "2001:db8::1",
    "a bad IPv6 literal": "[2001:db8::g]",
    "an IPv6 literal with two gaps": "[1::2::3]",
    "an open bracket": "[::1",
    "an IPv6 literal and something": "[::1]x",
    "an underscore": "matrix_1.example.com",
    "a space": "matrix example.com",
    "a trailing space": "matrix.example.com ",
    "nothing": "",
    "only a port": ":8448",
    "a name that is not ASCII": "mätrix.example.com",
}
BAD_URLS = {
    "no scheme": "matrix.example.com",
    "a fragment": "https://matrix.example.com/#top",
    "another scheme": "ftp://matrix.example.com",
    "no host": "https://",
    "a bad port": "https://matrix.example.com:99999",
    "a space": "https://matrix.example.com/a b",
    "one slash": "https:/matrix.example.com",
    "a bad host": "https://matrix..example.com",
}
BAD_OPTIONS = (
    ("--max-age", "172801"),
    ("--max-age", "-1"),
    ("--max-age", "1h"),
    ("--max-age", "99999999999999999999"),
    ("--max-age", "0x10"),
    ("--listen", "localhost:8443"),
    ("--listen", "https://127.0.0.1:8443"),
    ("--listen", "127.0.0.1"),
    ("--listen", "127.0.0.1:65536"),
    ("--listen", "::1:8443"),
    ("--listen", "[::1]"),
    ("--listen", "unix:relative.sock"),
    ("--listen", "unix:/" + "x" * 200),
    ("--listen", "70000"),
    ("--listen-http", "nowhere:80"),
    ("--metrics-listen", "nowhere:80"),
    ("--log-level", "loud"),
    ("--log-format", "xml"),
    ("--print", "everything"),
    ("--domain", "https://example.com"),
    ("--domain", "exam ple.com"),
)
DOMAIN = 'domain "example.com" {\n    server = "matrix.example.com:8448"\n%s\n}\n'


def assert_wrong_usage(refused, *named):
    assert (refused.returncode, refused.stdout) == (2, "")
    assert re.match(r"matrix-wellknownd: .+: .+", refused.stderr), refused.stderr
    for name in named:
        assert name in refused.stderr, refused.stderr


def test_the_message_about_a_url_says_what_would_be_right(tmp_path):
    expected = (
        '"https://matrix.example.com" is a URL: m.server takes a host name with an optional '
        'port, for example "matrix.example.com:443"'
    )
    assert expected in run("--server", "https://matrix.example.com", "--print", "server").stderr
    file = tmp_path / "test.conf"
    file.write_text('domain "a" {\n\n server = "https://matrix.example.com"\n}\n')
    refused = run("--config", file, "--test")
    assert refused.returncode == 1
    assert f"{file}:3: " in refused.stderr and expected in refused.stderr


@pytest.mark.parametrize("name", BAD_SERVERS)
def test_a_bad_server_name_is_wrong_usage(name):
    assert_wrong_usage(run("--server", BAD_SERVERS[name], "--print", "server"))


@pytest.mark.parametrize("name", BAD_URLS)
@pytest.mark.parametrize("option", ("--client", "--identity-server"))
def test_a_bad_url_is_wrong_usage(name, option):
    url = ("--client", "https://matrix.example.com")
    refused = run(*SERVER_OPTION, *url, option, BAD_URLS[name], "--print", "client")
    assert_wrong_usage(refused, BAD_URLS[name])


@pytest.mark.parametrize("option, value", BAD_OPTIONS)
def test_a_bad_value_of_an_option_is_wrong_usage(option, value):
    assert_wrong_usage(run(*SERVER_OPTION, "--self-signed", option, value, "--test"), option)


def test_a_max_age_over_48_hours_is_refused_with_the_reason():
    assert "48 hours" in run(*SERVER_OPTION, "--max-age", "172801", "--test").stderr
    assert run(*SERVER_OPTION, "--max-age", "172800", "--print", "server").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    (
        ("--unknown",),
        ("-x",),
        ("--server",),
        ("--server", "matrix.example.com", "positional"),
        ("--print",),
        ("--self-signed=yes", "--server", "matrix.example.com"),
    ),
    ids=" ".join,
)
def test_a_wrong_command_line_is_wrong_usage(arguments):
    refused = run(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("matrix-wellknownd: ")


@pytest.mark.parametrize(
    "name, value",
    (
        ("SERVER", "https://matrix.example.com"),
        ("MAX_AGE", "1h"),
        ("LISTEN", "127.0.0.1:1,nowhere:2"),
        ("LISTEN_HTTP", "nowhere:2"),
        ("ACCESS_LOG", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("SELF_SIGNED", "perhaps"),
    ),
)
def test_a_bad_variable_is_wrong_usage_and_named(name, value):
    variable = f"MATRIX_WELLKNOWND_{name}"
    arguments = () if name == "SERVER" else SERVER_OPTION
    assert_wrong_usage(run(*arguments, "--test", environment={variable: value}), variable)


def assert_refused_at(tmp_path, text, line, *named):
    file = tmp_path / "test.conf"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused = run("--config", file, "--test")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("matrix-wellknownd: "), refused.stderr
    assert f"{file}:{line}: " in refused.stderr, refused.stderr
    for name in named:
        assert name in refused.stderr, refused.stderr


@pytest.mark.parametrize("name", BAD_SERVERS)
def test_a_bad_server_name_in_a_file_is_refused_with_its_line(tmp_path, name):
    text = '# a comment\n\ndomain "example.com" {\n server = "%s"\n}\n' % BAD_SERVERS[name]
    assert_refused_at(tmp_path, text, 4)


@pytest.mark.parametrize("name", BAD_URLS)
@pytest.mark.parametrize("key", ("client", "identity_server", "redirect"))
def test_a_bad_url_in_a_file_is_refused_with_its_line(tmp_path, name, key):
    client = "" if key == "client" else 'client = "https://matrix.example.com"'
    text = DOMAIN % f'{client}\n    {key} = "{BAD_URLS[name]}"'
    assert_refused_at(tmp_path, text, 4, BAD_URLS[name])


@pytest.mark.parametrize(
    "setting",
    (
        'listen_http = { "nowhere:80" }',
        'listen = { "127.0.0.1" }',
        'metrics_listen = { "nowhere:80" }',
        "max_age = 172801",
        "max_age = -1",
        'max_age = "soon"',
        "max_age = 1.5",
        "max_connections = 0",
        "max_connections_per_ip = -5",
        "request_timeout = 0",
        "keepalive_timeout = -1",
        "threads = 100000000",
        'log_level = "loud"',
        'log_format = "xml"',
        "access_log = perhaps",
        "unknown_key = 1",
        "unknown_section { }",
        'server "example.com" { }',
        "= 3",
    ),
)
def test_a_bad_setting_in_a_file_is_refused_with_its_line(tmp_path, setting):
    text = f"# one\n# two\n{setting}\n" + DOMAIN % ""
    assert_refused_at(tmp_path, text, 3, re.match(r"\w*", setting)[0])


@pytest.mark.parametrize(
    "setting",
    (
        'policy_server_ed25519 = "too short"',
        'policy_server_ed25519 = "6yhHGKhCiXTSEN2ksjV7kX_N6rBQZ3Xb-M7LlC6NS"',
        'policy_server_ed25519 = "6yhHGKhCiXTSEN2ksjV7kX!N6rBQZ3Xb-M7LlC6NS-s"',
        "support { }",
        'support { page = "not a url" }',
        'support { contact { role = "m.role.admin" } }',
        'support { contact { matrix_id = "@admin:example.com" } }',
        'support { contact { role = "m.role.king" matrix_id = "@a:example.com" } }',
        'support { contact { role = "m.role.admin" matrix_id = "admin" } }',
        'support { contact { role = "m.role.admin" email_address = "nobody" } }',
        'unknown_key = "x"',
        "server = 5 6",
        'certificate = "only-the-certificate.pem"',
        'key = "only-the-key.pem"',
    ),
)
def test_a_bad_setting_of_a_domain_is_refused_with_file_and_line(tmp_path, setting):
    file = tmp_path / "test.conf"
    file.write_text(DOMAIN % f"    {setting}")
    refused = run("--config", file, "--test")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.search(rf"{re.escape(str(file))}:[134]: ", refused.stderr), refused.stderr


def test_a_domain_given_twice_is_refused_where_it_stands_again(tmp_path):
    for again in ("example.com", "EXAMPLE.com", "example.com."):
        text = DOMAIN % "" + f'domain "{again}" {{ server = "other.example:1" }}\n'
        assert_refused_at(tmp_path, text, 5, "example.com")


def test_a_domain_given_twice_over_two_files_is_refused_with_both(tmp_path):
    domains = tmp_path / "domains.d"
    domains.mkdir()
    (domains / "a.conf").write_text(DOMAIN % "")
    (domains / "b.conf").write_text("\n" + DOMAIN % "")
    file = tmp_path / "test.conf"
    file.write_text(f'domains_dir = "{domains}"\n')
    refused = run("--config", file, "--test")
    assert refused.returncode == 1
    assert f"{domains}/b.conf:2: " in refused.stderr
    assert f"{domains}/a.conf" in refused.stderr


def test_an_error_in_a_file_of_domains_dir_names_that_file(tmp_path):
    domains = tmp_path / "domains.d"
    domains.mkdir()
    (domains / "bad.conf").write_text('\n\ndomain "a.example" { server = "a/b" }\n')
    main = tmp_path / "test.conf"
    main.write_text(f'domains_dir = "{domains}"\n')
    refused = run("--config", main, "--test")
    assert refused.returncode == 1
    assert f"{domains}/bad.conf:3: " in refused.stderr


def test_a_domains_dir_that_does_not_exist_is_refused(tmp_path):
    assert_refused_at(tmp_path, f'domains_dir = "{tmp_path}/none"\n' + DOMAIN % "", 1, "none")


@pytest.mark.parametrize("name", ("https://example.com", "exa mple.com", "", "a..b", "*.example"))
def test_a_bad_name_of_a_domain_is_refused_with_its_line(tmp_path, name):
    assert_refused_at(tmp_path, f'\ndomain "{name}" {{ server = "m.example:1" }}\n', 2)


@pytest.mark.parametrize(
    "text",
    (
        'domain "a.example" {\n server = "m.example:1"\n',
        'domain "a.example {\n server = "m.example:1"\n}\n',
        "domain {\n}\n",
        b"\xff\xfe\x00\x01" * 100,
        "max_age = 3600 }\n",
        "{" * 10000,
        'listen_http = { "127.0.0.1:0"\n',
    ),
    ids=range(7),
)
def test_a_broken_file_is_refused_with_its_name(tmp_path, text):
    file = tmp_path / "test.conf"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused = run("--config", file, "--test")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.match(rf"matrix-wellknownd: {re.escape(str(file))}:\d+: .+", refused.stderr)


def test_a_configuration_that_is_missing_or_a_directory_or_empty_is_refused(tmp_path):
    empty = tmp_path / "empty.conf"
    empty.touch()
    for file in (tmp_path / "missing.conf", tmp_path, empty):
        refused = run("--config", file, "--test")
        assert refused.returncode == 1
        assert str(file) in refused.stderr


@pytest.mark.parametrize(
    "content",
    (b"[1, 2]", b'"text"', b'{"broken": ', b"", b'{"a": "' + b"x" * (10 << 20) + b'"}', b"\xff"),
    ids=("an array", "a string", "broken", "empty", "of 10 MB", "no UTF-8"),
)
def test_a_bad_client_extra_is_refused_with_both_files(tmp_path, content):
    (tmp_path / "extra.json").write_bytes(content)
    text = DOMAIN % '    client = "https://m.example"\n    client_extra = "extra.json"'
    assert_refused_at(tmp_path, text, 4, "extra.json")


def test_a_client_extra_that_is_missing_or_a_directory_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("missing.json", "folder", "/dev/null"):
        text = DOMAIN % f'    client = "https://m.example"\n    client_extra = "{name}"'
        assert_refused_at(tmp_path, text, 4, name)


def test_without_server_and_file_it_says_what_to_give():
    refused = run()
    assert refused.returncode in (1, 2)
    assert "--server" in refused.stderr and "matrix-wellknownd.conf" in refused.stderr


def test_a_certificate_without_its_key_is_refused(site, tmp_path):
    certificate, key = site.write(tmp_path)
    https = (*SERVER_OPTION, "--listen", "127.0.0.1:0")
    for only in (("--certificate", certificate), ("--key", key)):
        refused = run(*https, *only, "--test")
        assert refused.returncode in (1, 2)
        assert "key" in refused.stderr and "certificate" in refused.stderr


def test_https_without_any_certificate_is_refused_with_the_ways_out():
    refused = run(*SERVER_OPTION, "--listen", "127.0.0.1:0")
    assert refused.returncode in (1, 2)
    assert "--certificate" in refused.stderr and "--self-signed" in refused.stderr
