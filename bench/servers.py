"""Our daemon and its peers, each with the leanest configuration that answers the same."""

import glob
import os
import resource
import shutil
from pathlib import Path

import process

PATH = "/.well-known/matrix/server"
BODY = '{"m.server":"matrix.example.com:8448"}'
SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
# What the daemon sends with a document, beside Content-Type, Date and Content-Length.
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "X-Requested-With, Content-Type, Authorization",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=3600",
}
CONNECTIONS = min(9000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200)
# Where tests/system/install-peers unpacks servers that are not installed.
UNPACKED = Path(os.environ.get("PEERS", "/nonexistent")).absolute()


def find(program):
    folders = [os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"]
    folders += [str(UNPACKED / "usr" / name) for name in ("bin", "sbin")]
    return shutil.which(program, path=os.pathsep.join(folders))


def libraries(program):
    """Where a program that is only unpacked finds its libraries, as environment variables."""
    if not program or not program.startswith(str(UNPACKED)):
        return {}
    folders = {os.path.dirname(file) for file in glob.glob(f"{UNPACKED}/usr/lib/*/*.so*")}
    return {"LD_LIBRARY_PATH": os.pathsep.join(sorted(folders))}


class Server:
    """One server with one configuration; start() and stop() it as often as you like.

    `pair` is the folder with fullchain.pem, privkey.pem and both.pem; `cores` None means one core,
    and then one worker."""

    name = ""

    def __init__(self, folder, pair, workers=1, tree=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.pair = pair
        self.workers = workers
        self.tree = tree
        self.etag = '"0"'
        self.process = None
        self.port = self.plain_port = 0

    @classmethod
    def program(cls):
        return find(cls.name)

    def start(self):
        self.port = process.free_port()
        self.plain_port = process.free_port()
        self.configure()
        self.process = process.Process(
            self.command(),
            self.folder / "log",
            self.environment(),
            process.SERVER_CORES if self.workers == 1 else set(process.ALL_CORES),
        )

    def stop(self):
        if self.process:
            self.process.stop()

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def environment(self):
        variables = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        return {**variables, **libraries(self.program())}


class Ours(Server):
    name = "matrix-wellknownd"
    build = Path(".")

    @classmethod
    def program(cls):
        file = cls.build / cls.name
        return str(file) if file.exists() else None

    def configure(self):
        lines = [
            f'listen = {{ "127.0.0.1:{self.port}" }}',
            f'listen_http = {{ "127.0.0.1:{self.plain_port}" }}',
            f"threads = {self.workers}",
            f"max_connections = {CONNECTIONS}",
            f"max_connections_per_ip = {CONNECTIONS}",
            "keepalive_timeout = 600",
        ]
        if self.pair:
            lines += [
                f'certificate = "{self.pair}/fullchain.pem"',
                f'key = "{self.pair}/privkey.pem"',
            ]
        if self.tree:
            lines.append(f'domains_dir = "{self.tree}/domains.d"')
        else:
            lines.append('server = "matrix.example.com:8448"')
        self.write("conf", "\n".join(lines) + "\n")

    def command(self):
        return [self.program(), "--config", self.folder / "conf", "--log-level", "error"]


class Nginx(Server):
    name = "nginx"

    def site(self, name, pair, default):
        first = " default_server" if default else ""
        return f"""
 server {{
  listen 127.0.0.1:{self.port} ssl{first};
  listen 127.0.0.1:{self.plain_port}{first};
  server_name {name};
  ssl_certificate {pair}/fullchain.pem;
  ssl_certificate_key {pair}/privkey.pem;
  location = {PATH} {{ return 200 '{BODY}'; }}
 }}"""

    def sites(self):
        if not self.tree:
            return self.site("example.com", self.pair, True)
        names = sorted(file.name for file in (self.tree / "live").iterdir())
        return "".join(
            self.site(name, self.tree / "live" / name, name == names[0]) for name in names
        )

    def configure(self):
        headers = {**HEADERS, "ETag": self.etag}.items()
        temporary = "\n".join(
            f" {kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # A worker that reads certificates must be able to, wherever the build directory is.
        user = "user root;" if os.geteuid() == 0 else ""
        self.write(
            "conf",
            f"""
{user}
daemon off;
worker_processes {self.workers};
pid {self.folder}/pid;
error_log stderr error;
events {{ worker_connections {CONNECTIONS}; }}
http {{
 access_log off;
 server_tokens off;
 keepalive_timeout 600;
 keepalive_requests 1000000000;
 server_names_hash_max_size 131072;
 server_names_hash_bucket_size 128;
 ssl_protocols TLSv1.2 TLSv1.3;
 ssl_ecdh_curve X25519:prime256v1;
 ssl_conf_command Ciphersuites {SUITES};
 ssl_prefer_server_ciphers on;
 default_type application/json;
{temporary}
{chr(10).join(f" add_header {name} '{value}' always;" for name, value in headers)}
{self.sites()}
}}
""",
        )

    def command(self):
        return [self.program(), "-p", self.folder, "-e", "stderr", "-c", self.folder / "conf"]


class Lighttpd(Server):
    name = "lighttpd"

    def configure(self):
        document = self.folder / "root" / PATH.lstrip("/")
        document.parent.mkdir(parents=True, exist_ok=True)
        document.write_text(BODY)
        headers = ",\n".join(f' "{name}" => "{value}"' for name, value in HEADERS.items())
        self.write(
            "conf",
            f"""
server.modules = ("mod_setenv", "mod_gnutls")
server.bind = "127.0.0.1"
server.port = {self.plain_port}
server.document-root = "{self.folder}/root"
server.errorlog = "{self.folder}/error.log"
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 600
server.max-fds = {CONNECTIONS + 100}
server.max-connections = {CONNECTIONS}
server.tag = ""
mimetype.assign = ("" => "application/json")
setenv.add-response-header = (
{headers}
)
$SERVER["socket"] == "127.0.0.1:{self.port}" {{
 ssl.engine = "enable"
 ssl.pemfile = "{self.pair}/fullchain.pem"
 ssl.privkey = "{self.pair}/privkey.pem"
 ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.2", "Groups" => "X25519:P-256")
}}
""",
        )

    def command(self):
        modules = UNPACKED / "usr" / "lib" / "lighttpd"
        extra = ["-m", modules] if self.program().startswith(str(UNPACKED)) else []
        return [self.program(), "-D", *extra, "-f", self.folder / "conf"]


class Haproxy(Server):
    name = "haproxy"

    def configure(self):
        headers = " ".join(
            f"hdr {name} {value!r}" for name, value in {**HEADERS, "ETag": self.etag}.items()
        )
        self.write(
            "conf",
            f"""
global
 nbthread {self.workers}
 maxconn {CONNECTIONS}
 ssl-default-bind-options ssl-min-ver TLSv1.2
 ssl-default-bind-ciphersuites {SUITES}
 ssl-default-bind-curves X25519:P-256
defaults
 mode http
 timeout client 600s
 timeout http-keep-alive 600s
 timeout connect 5s
 timeout server 5s
frontend documents
 bind 127.0.0.1:{self.port} ssl crt {self.pair}/both.pem
 bind 127.0.0.1:{self.plain_port}
 http-request return status 200 content-type application/json string '{BODY}' {headers} hdr Date %[date,http_date]
""",
        )

    def command(self):
        return [self.program(), "-db", "-q", "-f", self.folder / "conf"]


class Caddy(Server):
    name = "caddy"

    def configure(self):
        headers = "\n".join(
            f"  header {name} `{value}`" for name, value in {**HEADERS, "ETag": self.etag}.items()
        )
        answer = f"""{{
{headers}
  header Content-Type application/json
  header -Server
  respond {PATH} `{BODY}` 200
"""
        self.write(
            "Caddyfile",
            f"""
{{
 admin off
 auto_https off
 default_sni example.com
 default_bind 127.0.0.1
 log {{
  level ERROR
 }}
 servers {{
  protocols h1
 }}
}}
https://:{self.port} {answer}
 tls {self.pair}/fullchain.pem {self.pair}/privkey.pem {{
  protocols tls1.2 tls1.3
  curves x25519 secp256r1
 }}
}}
http://:{self.plain_port} {answer}
}}
""",
        )

    def environment(self):
        return {**super().environment(), "GOMAXPROCS": str(self.workers)}

    def command(self):
        return [self.program(), "run", "--adapter", "caddyfile", "--config", self.folder / "Caddyfile"]


PEERS = [Nginx, Lighttpd, Haproxy, Caddy]
ALL = [Ours, *PEERS]
PACKAGES = {
    "nginx": "nginx-light",
    "lighttpd": "lighttpd, lighttpd-mod-gnutls",
    "haproxy": "haproxy",
    "caddy": "caddy",
    "openssl": "openssl",
    "wrk": "wrk",
    "gnuplot": "gnuplot-nox",
}


def missing():
    """What is missing, a line each."""
    lines = [
        f"{program} (Debian package {package})"
        for program, package in PACKAGES.items()
        if not find(program)
    ]
    if not Ours.program():
        lines.append(f"{Ours.build}/matrix-wellknownd (make)")
    places = ["/usr/lib/lighttpd", "/usr/lib64/lighttpd", f"{UNPACKED}/usr/lib/lighttpd"]
    if find("lighttpd") and not any(os.path.exists(f"{at}/mod_gnutls.so") for at in places):
        lines.append("mod_gnutls of lighttpd (Debian package lighttpd-mod-gnutls)")
    return lines
