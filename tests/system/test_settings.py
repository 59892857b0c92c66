"""Where settings come from, and the commands that only read them."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
from harness.daemon import BINARY, PLAIN, PROJECT, SERVER_OPTION, free_port, run
from harness.wire import CLIENT, SERVER

DOMAIN = 'domain "example.com" { server = "file.example:1" }\n'
SAMPLES = sorted(path for path in PROJECT.glob("etc/**/*.conf") if "domain" in path.read_text())


def write(tmp_path, text, name="test.conf"):
    file = tmp_path / name
    file.write_text(text)
    return file


def test_help_names_every_option_and_its_default():
    for option in ("--help", "-h"):
        shown = run(option)
        assert shown.returncode == 0
        assert shown.stderr == ""
        for name in (
            "--config --server --client --identity-server --domain --listen --listen-http "
            "--certificate --key --self-signed --max-age --metrics-listen --access-log --log-level "
            "--log-format --user --test --print --health-check --version --help"
        ).split():
            assert re.search(rf"{name}\b", shown.stdout), name
        for letter in "c s u d l p C K t V h".split():
            assert re.search(rf"(^|\s)-{letter}\b", shown.stdout), letter
        assert "3600" in shown.stdout and "[::]:443" in shown.stdout


def test_version_is_one_line_that_begins_with_the_name():
    for option in ("--version", "-V"):
        shown = run(option)
        assert shown.returncode == 0
        assert re.fullmatch(r"matrix-wellknownd \d+\.\d+\S*", shown.stdout.splitlines()[0])


def max_age(daemon):
    return int(re.fullmatch(r"public, max-age=(\d+)", daemon.http[0].get()["Cache-Control"])[1])


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(start, tmp_path):
    text = "max_age = 100\n" 'listen_http = { "127.0.0.1:0" }\n' + DOMAIN
    variable = {"MATRIX_WELLKNOWND_MAX_AGE": "200"}
    assert max_age(start.configured(text)) == 100
    assert max_age(start.configured(text, environment=variable)) == 200
    assert max_age(start.configured(text, "--max-age", "300", environment=variable)) == 300


def test_the_command_line_wins_over_the_environment_for_the_server():
    variable = {"MATRIX_WELLKNOWND_SERVER": "environment.example:1"}
    printed = run("--print", "server", environment=variable)
    assert json.loads(printed.stdout) == {"m.server": "environment.example:1"}
    printed = run("--print", "server", "--server", "line.example:2", environment=variable)
    assert json.loads(printed.stdout) == {"m.server": "line.example:2"}


def test_the_server_of_the_command_line_wins_over_the_files(tmp_path):
    file = write(tmp_path, DOMAIN)
    line = ("--domain", "example.com", "--server", "line.example:2")
    printed = run("--config", file, *line, "--print", "server")
    assert json.loads(printed.stdout) == {"m.server": "line.example:2"}


def test_a_value_of_the_file_that_is_overridden_is_named_with_both_places(start, tmp_path):
    text = "\nmax_age = 100\n" 'listen_http = { "127.0.0.1:0" }\n' + DOMAIN
    variable = {"MATRIX_WELLKNOWND_MAX_AGE": "200", "MATRIX_WELLKNOWND_MAXAGE": "300"}
    daemon = start.configured(text, environment=variable)
    overridden = f"{daemon.configuration}:2: max_age is overridden by MATRIX_WELLKNOWND_MAX_AGE"
    unknown = "warning: the environment variable MATRIX_WELLKNOWND_MAXAGE is unknown"
    assert overridden in daemon.log and unknown in daemon.log
    tested = run("--config", daemon.configuration, "--test", environment=variable)
    assert tested.returncode == 0
    assert overridden in tested.stderr and unknown in tested.stderr


def test_limits_can_be_given_without_a_file(start):
    daemon = start.plain(
        *("--max-connections", 4, "--keepalive-timeout", 1, "--threads", 1),
        environment={"MATRIX_WELLKNOWND_REQUEST_TIMEOUT": "2"},
    )
    assert daemon.http[0].get().status == 200
    assert len(list(Path(f"/proc/{daemon.pid}/task").iterdir())) == 2, "one worker, and main"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a /etc of its own")
def test_the_default_file_is_read_beside_a_variable_and_not_beside_the_option(tmp_path):
    """In a mount namespace, where the folder of the default file is another one."""
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    default = re.search(r"\S+/matrix-wellknownd\.conf", run("--help").stdout)[0]
    folder = Path(default).parent
    write(tmp_path, 'server = "file.example:1"\nclient = "https://file.example"\n',
          "matrix-wellknownd.conf")
    nearest = next(path for path in folder.parents if path.is_dir())
    script = (
        'mount -t tmpfs none "$1" && mkdir -p "$2" && cp "$3" "$2" && shift 3 && exec "$@"'
        if not folder.is_dir()
        else 'mount --bind "$(dirname "$3")" "$2" && shift 3 && exec "$@"'
    )

    def told(*arguments, **variables):
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", nearest, folder,
             tmp_path / "matrix-wellknownd.conf", BINARY, *arguments],
            env={**os.environ, **variables}, capture_output=True, text=True, check=False,
        )

    both = told("--test", "--listen-http", "8080", MATRIX_WELLKNOWND_SERVER="variable.example:2")
    assert both.returncode == 0, both
    assert "variable.example:2" in both.stdout and "https://file.example" in both.stdout
    assert f"{default}:1: server is overridden by MATRIX_WELLKNOWND_SERVER" in both.stderr
    alone = told("--test", "--listen-http", "8080", "--server", "option.example:3")
    assert alone.returncode == 0, alone
    assert "option.example:3" in alone.stdout and "file.example" not in alone.stdout
    assert f"{default} is not read, because --server is given" in alone.stderr


@pytest.mark.parametrize(
    "arguments, named",
    (
        (("--bogus", "--log-format", "json"), "--bogus"),
        (("--log-format", "json", "--max-age", "1h", "--server", "a:1"), "--max-age"),
        (("--log-format", "json", "--config", "/nonexistent"), "/nonexistent"),
    ),
)
def test_what_is_wrong_is_json_where_the_log_is(arguments, named):
    refused = run(*arguments)
    assert refused.returncode in (1, 2)
    line = json.loads(refused.stderr)
    assert line["level"] == "error" and named in line["message"]
    variable = run(*arguments, environment={"MATRIX_WELLKNOWND_LOG_FORMAT": "json"})
    assert json.loads(variable.stderr)["message"] == line["message"]


def test_an_empty_variable_is_as_good_as_none(start):
    daemon = start.plain(environment={"MATRIX_WELLKNOWND_MAX_AGE": ""})
    assert max_age(daemon) == 3600


def test_lists_in_the_environment_are_separated_by_commas(start):
    variables = {
        "MATRIX_WELLKNOWND_SERVER": "matrix.example.com:8448",
        "MATRIX_WELLKNOWND_CLIENT": "https://matrix.example.com",
        "MATRIX_WELLKNOWND_LISTEN_HTTP": "127.0.0.1:0,[::1]:0",
        "MATRIX_WELLKNOWND_METRICS_LISTEN": "127.0.0.1:0",
        "MATRIX_WELLKNOWND_DOMAIN": "example.com",
    }
    daemon = start(environment=variables)
    assert len(daemon.http) == 2 and len(daemon.metrics) == 1 and daemon.https == []
    for endpoint in daemon.http:
        assert endpoint.get().status == 200
        assert endpoint.get(CLIENT).status == 200
        assert endpoint.get(host="other.example").status == 404


def test_certificate_and_key_can_come_from_the_environment(start, site, tmp_path):
    certificate, key = site.write(tmp_path)
    variables = {
        "MATRIX_WELLKNOWND_CERTIFICATE": str(certificate),
        "MATRIX_WELLKNOWND_KEY": str(key),
        "MATRIX_WELLKNOWND_LISTEN": "127.0.0.1:0",
    }
    assert start(*SERVER_OPTION, environment=variables).https[0].get().status == 200


def test_options_with_an_argument_take_it_after_an_equals_sign_too(start):
    daemon = start("--server=matrix.example.com:8448", "--listen-http=127.0.0.1:0")
    assert daemon.http[0].get().status == 200


def test_short_options_do_what_the_long_ones_do(start, site, tmp_path):
    certificate, key = site.write(tmp_path)
    line = "-s m.example:1 -u https://m.example -d example.com -l 127.0.0.1:0 -p 127.0.0.1:0"
    daemon = start(*line.split(), "-C", certificate, "-K", key)
    for endpoint in (daemon.https[0], daemon.http[0]):
        assert endpoint.get().json == {"m.server": "m.example:1"}
        assert endpoint.get(CLIENT).status == 200
    assert json.loads(run("-s", "m.example", "--print", "server").stdout)


def test_listeners_repeat(start, site, tmp_path):
    unix = tmp_path / "plain.sock"
    daemon = start(
        *SERVER_OPTION,
        *site.options(tmp_path),
        *("--listen", "127.0.0.1:0", "--listen", "[::1]:0"),
        *("--listen-http", "127.0.0.1:0", "--listen-http", f"unix:{unix}"),
    )
    assert (len(daemon.https), len(daemon.http)) == (2, 1)
    for endpoint in (*daemon.https, *daemon.http, daemon.endpoint(unix)):
        assert endpoint.get().status == 200
    assert str(unix) in daemon.log, "the ready line names every bound address"


def test_an_address_that_is_only_a_port_listens_on_both_families(start):
    port = free_port()
    daemon = start(*SERVER_OPTION, "--listen-http", port)
    for host in ("127.0.0.1", "::1"):
        assert daemon.endpoint(host, port).get().status == 200


def test_plain_http_alone_opens_no_https_listener(start):
    daemon = start.plain()
    assert daemon.https == [] and len(daemon.http) == 1


def test_domains_dir_adds_the_domains_of_every_conf_file_in_it(start, tmp_path):
    domains = tmp_path / "domains.d"
    domains.mkdir()
    (domains / "a.conf").write_text('domain "a.example" { server = "a.example:1" }')
    (domains / "b.conf").write_text(
        'domain "b.example" { server = "b.example:2"\n'
        'client = "https://b.example"\nclient_extra = "b.json" }\n'
        'domain "c.example" { server = "c.example:3" }'
    )
    (domains / "b.json").write_text('{"org.example.key": true}')
    (domains / "ignored.conf.old").write_text("nonsense {")
    (domains / "empty.conf").write_text("# nothing here\n")
    text = f'listen_http = {{ "127.0.0.1:0" }}\ndomains_dir = "{domains}"\n'
    http = start.configured(text + DOMAIN).http[0]
    for name, server in (("a", "a.example:1"), ("b", "b.example:2"), ("c", "c.example:3")):
        assert http.get(host=f"{name}.example").json == {"m.server": server}
    assert http.get().json == {"m.server": "file.example:1"}
    assert http.get(CLIENT, host="b.example").json["org.example.key"] is True


def test_client_extra_can_override_and_extend_but_the_base_url_stays_valid(tmp_path):
    (tmp_path / "extra.json").write_text('{"m.tile_server": {"map_style_url": "https://t"}}')
    file = write(
        tmp_path,
        'domain "example.com" { server = "m:1" client = "https://m" client_extra = "extra.json" }',
    )
    assert json.loads(run("--config", file, "--print", "client").stdout) == {
        "m.homeserver": {"base_url": "https://m"},
        "m.tile_server": {"map_style_url": "https://t"},
    }


def test_print_prints_what_is_served(start, tmp_path):
    text = (
        'listen_http = { "127.0.0.1:0" }\n'
        'domain "example.com" { server = "one.example:1" client = "https://one.example"\n'
        'support { page = "https://example.com/help" } }\n'
        'domain "other.example" { server = "two.example:2" }\n'
    )
    daemon = start.configured(text)
    for path, document in ((SERVER, "server"), (CLIENT, "client")):
        line = ("--config", daemon.configuration, "--domain", "example.com", "--print", document)
        printed = run(*line)
        assert printed.returncode == 0
        assert json.loads(printed.stdout) == daemon.http[0].get(path).json
        assert printed.stdout.endswith("\n") and printed.stderr == ""
    other = run("--config", daemon.configuration, "--domain", "other.example", "--print", "server")
    assert json.loads(other.stdout) == {"m.server": "two.example:2"}
    support = run(
        "--config", daemon.configuration, "--domain", "example.com", "--print", "support"
    )
    assert json.loads(support.stdout) == {"support_page": "https://example.com/help"}


def test_print_of_what_is_not_there_fails_and_says_so(tmp_path):
    file = write(tmp_path, DOMAIN + 'domain "b.example" { server = "b:1" }\n')
    line = ("--config", file, "--print")
    for arguments, named in (
        (("client", "--domain", "example.com"), "example.com"),
        (("server", "--domain", "missing.example"), "missing.example"),
        (("server",), "--domain"),
    ):
        printed = run(*line, *arguments)
        assert printed.returncode in (1, 2) and printed.stdout == ""
        assert named in printed.stderr


def test_test_says_what_would_be_served_by_which_certificate_until_when(site, tmp_path):
    file = write(tmp_path, 'listen = { "127.0.0.1:0" }\n' + site.settings(tmp_path) + DOMAIN)
    for option in ("--test", "-t"):
        tested = run("--config", file, option)
        assert tested.returncode == 0, tested
        said = tested.stdout + tested.stderr
        for expected in ("example.com", "file.example:1", "site.pem", f"{site.not_after:%Y-%m-%d}"):
            assert expected in said, said


def test_test_exits_1_where_something_is_not_good(authority, site, tmp_path):
    broken = write(tmp_path, 'listen_http = { "127.0.0.1:0" }\nnonsense = 1\n' + DOMAIN)
    assert run("--config", broken, "--test").returncode == 1
    certificate, _ = site.write(tmp_path)
    _, key = authority.issue("example.com").write(tmp_path, "other")
    line = (*SERVER_OPTION, "--certificate", certificate, "--key", key, "--test")
    mismatched = run(*line, "--listen", "127.0.0.1:0")
    assert mismatched.returncode == 1
    assert "site.pem" in mismatched.stderr or "other.key" in mismatched.stderr


def test_test_does_not_bind_so_that_it_can_run_beside_the_daemon(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(*SERVER_OPTION, "--listen-http", f"127.0.0.1:{port}", "--test").returncode == 0


@pytest.mark.parametrize("listener", ("http", "https", "wildcard", "unix", "domain", "https+http"))
def test_the_health_check_tells_a_running_daemon_from_none(start, authority, tmp_path, listener):
    port, other = free_port(), free_port()
    listen = {
        "http": ("--listen-http", f"127.0.0.1:{port}"),
        "https": ("--listen", f"127.0.0.1:{port}"),
        "wildcard": ("--listen-http", port),
        "unix": ("--listen-http", f"unix:{tmp_path}/health.sock"),
        "domain": ("--listen", f"[::1]:{port}", "--domain", "only.example"),
        "https+http": ("--listen", f"127.0.0.1:{port}", "--listen-http", f"127.0.0.1:{other}"),
    }[listener]
    pair = authority.issue("only.example")
    settings = (*SERVER_OPTION, *listen, *pair.options(tmp_path))
    assert run(*settings, "--health-check").returncode == 1
    daemon = start(*settings)
    healthy = run(*settings, "--health-check")
    assert healthy.returncode == 0, healthy
    daemon.stop()
    stopped = run(*settings, "--health-check")
    assert stopped.returncode == 1
    assert re.match(r"matrix-wellknownd: .+: .+", stopped.stderr)


def test_the_health_check_fails_where_something_else_answers():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert run(*SERVER_OPTION, "--listen-http", address, "--health-check").returncode == 1


def test_there_is_a_sample_configuration():
    assert SAMPLES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_the_sample_configuration_is_good(sample):
    printed = run("--config", sample, "--domain", "example.com", "--print", "server")
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["m.server"]


def test_a_server_without_a_port_is_served_with_a_warning_about_srv(start):
    daemon = start("--server", "matrix.example.com", *PLAIN)
    assert daemon.http[0].get().json == {"m.server": "matrix.example.com"}
    warning = daemon.wait_for_log("SRV")
    assert "8448" in warning
