"""Caching proxies in front of the daemon: a document that was revalidated (304) stays whole."""

import json
import os
import signal
import subprocess

import pytest
from harness.daemon import PLAIN, SERVER_OPTION, free_port
from harness.peers import PEERS, find, libraries, missing
from harness.waiting import eventually, scaled
from harness.wire import SERVER, Endpoint

DOCUMENT = {"m.server": "matrix.example.com:8448"}


def nginx(directory, port, origin):
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    file = directory / "nginx.conf"
    file.write_text(
        f"daemon off;\nerror_log stderr;\npid {directory}/nginx.pid;\n"
        f"{'user root;' if os.geteuid() == 0 else ''}\nworker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}"
        f"proxy_cache_path {directory}/cache keys_zone=documents:1m;\n"
        f"server {{ listen 127.0.0.1:{port};\n"
        f"location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_set_header Host $host;\n"
        "proxy_cache documents; proxy_cache_revalidate on; }\n}\n}\n"
    )
    return ["-p", directory, "-e", "stderr", "-c", file]


def squid(directory, port, origin):
    (directory / "mime.conf").touch()
    usr = "/usr" if os.path.exists("/usr/share/squid") else PEERS / "usr"
    file = directory / "squid.conf"
    file.write_text(
        f"http_port 127.0.0.1:{port} accel defaultsite=example.com\n"
        f"cache_peer 127.0.0.1 parent {origin} 0 no-query no-digest originserver\n"
        "http_access allow all\npid_filename none\naccess_log none\ncache_log /dev/stderr\n"
        "coredump_dir none\nnetdb_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\n"
        f"mime_table {directory}/mime.conf\nicon_directory {usr}/share/squid/icons\n"
        f"unlinkd_program {usr}/lib/squid/unlinkd\n"
        f"error_directory {usr}/share/squid-langpack/en\nvisible_hostname localhost\n"
        f"{'cache_effective_user nobody' if os.geteuid() == 0 else ''}\n"
    )
    return ["-N", "-n", f"cache{port}", "-f", file]


def varnishd(directory, port, origin):
    file = directory / "varnish.vcl"
    file.write_text(
        "vcl 4.1;\n"
        f'backend daemon {{ .host = "127.0.0.1"; .port = "{origin}"; }}\n'
        "sub vcl_backend_response { set beresp.grace = 0s; set beresp.keep = 1h; }\n"
    )
    listen = f"127.0.0.1:{port}"
    work = directory / "work"
    return ["-F", "-j", "none", "-n", work, "-a", listen, "-s", "default,1m", "-f", file]


def answered_from_revalidated(proxy, daemon):
    """Whether the daemon has answered 304 yet; what the proxy then serves has to be whole."""
    lines = [json.loads(line) for line in daemon.log.splitlines()]
    seen = sum(line.get("target") == SERVER and line["status"] == 304 for line in lines)
    answer = proxy.get()
    assert (answer.status, answer.body and answer.json) == (200, DOCUMENT), f"after {seen} 304s"
    return seen > 0


@pytest.mark.parametrize("configure", (nginx, squid, varnishd), ids=lambda kind: kind.__name__)
def test_what_a_cache_serves_after_revalidation_is_whole(configure, start, tmp_path):
    program = find(configure.__name__) or pytest.skip(missing(configure.__name__))
    daemon = start(
        *SERVER_OPTION, *PLAIN, "--max-age", "1", "--access-log", "--log-format", "json"
    )
    directory = tmp_path / "proxy"
    directory.mkdir()
    proxy = Endpoint("127.0.0.1", free_port())
    command = [program, *configure(directory, proxy.port, daemon.http[0].port)]
    process = subprocess.Popen(
        list(map(str, command)), stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries(), "HOME": str(directory)},
    )
    try:
        eventually(proxy.serves, "the document through the proxy", 20)
        eventually(lambda: answered_from_revalidated(proxy, daemon), "a revalidation", 20)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(scaled(10))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
