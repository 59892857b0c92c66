"""The examples for reverse proxies, each tried with the real proxy in front of the daemon."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness.daemon import PLAIN, PROJECT, SERVER_OPTION, free_port
from harness.waiting import eventually, scaled
from harness.wire import CLIENT, Endpoint
from harness.peers import find, libraries, missing

EXAMPLES = PROJECT / "etc" / "examples"
SITE_PAGE = b"the site itself"


def server(program):
    """The path of a server's program; skips the test where there is none."""
    return find(program) or pytest.skip(missing(program))


def example(name, directory, **replacements):
    """Writes the example with some of its words replaced, each of which must be there."""
    text = (EXAMPLES / name).read_text()
    for old, new in replacements["words"].items():
        assert old in text, f"{name} has no {old!r} any more"
        text = text.replace(old, str(new))
    file = directory / name
    file.write_text(replacements.get("before", "") + text)
    return file


class Proxy:
    """A reverse proxy as a child process; see the subclasses for how each is started."""

    def __init__(self, directory, pair, wellknown, tls):
        self.directory = directory
        self.certificate, self.key = pair.write(directory, "proxy")
        self.root = directory / "html"
        self.root.mkdir()
        (self.root / "index.html").write_bytes(SITE_PAGE)
        self.wellknown = f"127.0.0.1:{wellknown.port}"
        self.port = free_port()
        self.endpoint = Endpoint("127.0.0.1", self.port, tls)
        self.log_file = directory / "proxy.log"
        command = self.command()
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                list(map(str, command)),
                env={
                    "PATH": os.environ["PATH"],
                    "LD_LIBRARY_PATH": libraries(),
                    "HOME": str(directory),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self):
        def ready():
            assert self.process.poll() is None, self.log_file.read_text()
            return self.endpoint.serves()

        eventually(ready, f"the document through {type(self).__name__}", 20)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(scaled(10))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        print(f"--- log of {type(self).__name__}\n{self.log_file.read_text()}")


class Nginx(Proxy):
    def command(self):
        program = server("nginx")
        example(
            "nginx.conf",
            self.directory,
            words={
                "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
                "listen [::]:443 ssl": f"listen [::1]:{self.port} ssl",
                "/etc/letsencrypt/live/example.com/fullchain.pem": self.certificate,
                "/etc/letsencrypt/live/example.com/privkey.pem": self.key,
                "127.0.0.1:8080": self.wellknown,
                "/var/www/html": self.root,
            },
        )
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {self.directory}/{kind};\n" for kind in kinds)
        main = self.directory / "main.conf"
        main.write_text(
            f"daemon off;\nerror_log stderr;\npid {self.directory}/nginx.pid;\n"
            f"{'user root;' if os.geteuid() == 0 else ''}\nworker_processes 1;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}include {self.directory}/nginx.conf;\n}}\n"
        )
        return [program, "-p", self.directory, "-e", "stderr", "-c", main]


class Caddy(Proxy):
    def command(self):
        program = server("caddy")
        # With certificates of its own, Caddy asks a public authority, which a test cannot do.
        file = example(
            "Caddyfile",
            self.directory,
            before="{\n\tadmin off\n\tauto_https off\n}\n",
            words={
                "\nexample.com {": f"\nhttps://example.com:{self.port} {{\n\tbind 127.0.0.1\n"
                f"\ttls {self.certificate} {self.key}",
                "127.0.0.1:8080": self.wellknown,
                "/var/www/html": self.root,
            },
        )
        return [program, "run", "--adapter", "caddyfile", "--config", file]


class Haproxy(Proxy):
    def command(self):
        program = server("haproxy")
        both = self.directory / "both.pem"
        both.write_bytes(self.certificate.read_bytes() + self.key.read_bytes())
        site_port = free_port()  # nobody listens there: a site that is down
        file = example(
            "haproxy.cfg",
            self.directory,
            words={
                ":::443 v4v6": f"127.0.0.1:{self.port}",
                "/etc/haproxy/example.com.pem": both,
                "127.0.0.1:8080": self.wellknown,
                "127.0.0.1:8000": f"127.0.0.1:{site_port}",
            },
        )
        return [program, "-db", "-f", file]


class Apache(Proxy):
    def command(self):
        program = server("apache2")
        # Its workers are not root even where it is started as root; so the site is outside of
        # pytest's directory, which is root's alone.
        self.root = Path(tempfile.mkdtemp(prefix="site-"))
        self.root.chmod(0o755)
        (self.root / "index.html").write_bytes(SITE_PAGE)
        example(
            "apache.conf",
            self.directory,
            words={
                "*:443": f"127.0.0.1:{self.port}",
                "/etc/letsencrypt/live/example.com/fullchain.pem": self.certificate,
                "/etc/letsencrypt/live/example.com/privkey.pem": self.key,
                "http://127.0.0.1:8080/": f"http://{self.wellknown}/",
                "/var/www/html": self.root,
            },
        )
        modules = Path(program).parents[1] / "lib" / "apache2" / "modules"
        names = ("mpm_event", "authz_core", "dir", "ssl", "proxy", "proxy_http")
        load = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names)
        main = self.directory / "main.conf"
        main.write_text(
            f"ServerRoot {self.directory}\nDefaultRuntimeDir {self.directory}\n"
            f"PidFile {self.directory}/apache.pid\nErrorLog {self.directory}/proxy.log\n"
            f"Listen 127.0.0.1:{self.port}\nServerName example.com\n{load}"
            f"{'User nobody' if os.geteuid() == 0 else ''}\n"
            f"{'Group nogroup' if os.geteuid() == 0 else ''}\n"
            f"Include {self.directory}/apache.conf\n"
        )
        return [program, "-D", "FOREGROUND", "-f", main]

    def stop(self):
        super().stop()
        shutil.rmtree(self.root)


@pytest.fixture(params=(Nginx, Caddy, Haproxy, Apache), ids=lambda kind: kind.__name__.lower())
def proxy(request, start, site, tls, tmp_path):
    """A proxy by its example, and behind it `proxy.daemon` for example.com alone."""
    daemon = start(
        *SERVER_OPTION, "--client", "https://matrix.example.com", "--domain", "example.com",
        *PLAIN, "--access-log", "--log-format", "json",
    )
    directory = tmp_path / "proxy"
    directory.mkdir()
    proxy = request.param(directory, site, daemon.http[0], tls)
    proxy.daemon = daemon
    try:
        proxy.wait_until_ready()
        yield proxy
    finally:
        proxy.stop()


def requests_seen(daemon):
    """What the daemon's access log has, as objects."""
    lines = [json.loads(line) for line in daemon.log.splitlines()]
    return [line for line in lines if "target" in line]


def test_the_documents_come_through(proxy):
    server = proxy.endpoint.get()
    assert server.status == 200
    assert server.json == {"m.server": "matrix.example.com:8448"}
    client = proxy.endpoint.get(CLIENT)
    assert client.json == {"m.homeserver": {"base_url": "https://matrix.example.com"}}


def test_the_headers_come_through_once_and_unchanged(proxy):
    direct, through = proxy.daemon.http[0].get(CLIENT), proxy.endpoint.get(CLIENT)
    for name in (
        *("Access-Control-Allow-Origin", "Access-Control-Allow-Methods"),
        *("Access-Control-Allow-Headers", "X-Content-Type-Options", "Content-Type"),
        *("Cache-Control", "ETag"),
    ):
        assert through[name] == direct[name], name
    assert through["Access-Control-Allow-Origin"] == "*"


def test_the_host_comes_through(proxy):
    proxy.endpoint.get()
    proxy.endpoint.get(host=f"example.com:{proxy.port}")
    seen = requests_seen(proxy.daemon)
    assert {line["status"] for line in seen} == {200}
    assert {line["host"].split(":")[0] for line in seen} == {"example.com"}


def test_a_browsers_preflight_is_answered(proxy):
    answer = proxy.endpoint.get(CLIENT, method="OPTIONS")
    assert answer.status == 204
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_a_cached_document_is_not_sent_again(proxy):
    etag = proxy.endpoint.get()["ETag"]
    assert proxy.endpoint.get(headers=[("If-None-Match", etag)]).status == 304


def test_an_error_keeps_the_headers_that_browsers_need(proxy):
    answer = proxy.endpoint.get("/.well-known/matrix/support")
    assert answer.status == 404 and answer.json["errcode"] == "M_NOT_FOUND"
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_the_rest_of_the_site_is_the_proxys(proxy):
    answer = proxy.endpoint.get("/")
    assert "Access-Control-Allow-Origin" not in answer
    if not isinstance(proxy, Haproxy):
        assert answer.status == 200 and answer.body == SITE_PAGE
    assert all(line["target"].startswith("/.well-known/") for line in requests_seen(proxy.daemon))


def test_a_later_request_on_the_same_connection_comes_through(proxy):
    with proxy.endpoint.connect() as connection:
        for _ in range(3):
            assert connection.request().status == 200


def test_a_restarted_daemon_is_found_again(proxy, start):
    port = proxy.daemon.http[0].port
    proxy.daemon.stop()
    assert not proxy.endpoint.serves()
    start(*SERVER_OPTION, "--domain", "example.com", "--listen-http", f"127.0.0.1:{port}")
    eventually(proxy.endpoint.serves, "the document from the new daemon", 20)
