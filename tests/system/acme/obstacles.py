"""An authority that has its bad days: a proxy before Pebble that answers some requests itself.

Pebble neither limits rates, nor fails, nor hangs. What this answers is what Let's Encrypt answers."""

import http.client
import http.server
import json
import ssl
import threading
import urllib.request

from harness.wire import trusting

JOSE = "application/jose+json"


def problem(kind, detail, status):
    """A problem document (RFC 8555, section 6.7)."""
    body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status}
    return status, "application/problem+json", json.dumps(body).encode()


def page(status):
    """What a web server in front of an authority says when that is away."""
    return status, "text/html", b"<html><h1>Sorry</h1></html>"


def directory_of(obstacles, **meta):
    """The answer of the authority's own directory, with other metadata."""
    tls, url = obstacles.pebble_tls, f"https://localhost:{obstacles.pebble.port}/dir"
    request = urllib.request.Request(url, headers={"Host": obstacles.directory.split("/")[2]})
    with urllib.request.urlopen(request, context=tls) as answer:
        directory = json.load(answer)
    directory["meta"].update(meta)
    return 200, "application/json", json.dumps(directory).encode()


HANG = None  # no answer, until the obstacle is removed


class Obstacles:
    """`directory` is its URL; `obstacles` has answers by a part of the path: problem, page or HANG.
    Everything else is Pebble's, and so is what `times` counts down to 0."""

    def __init__(self, pebble, authority, folder):
        self.obstacles = {}
        self.times = {}
        self.seen = []
        self.pebble = pebble
        self.pebble_tls = trusting(authority.file)
        self._ended = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                outer.handle(self)

            do_GET = do_HEAD = do_POST = handle_any  # noqa: N815

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("localhost").write(folder, "obstacles"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.directory = f"https://localhost:{self.server.server_port}/dir"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, request):
        length = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(length)
        self.seen.append(request.path)
        for part, answer in list(self.obstacles.items()):
            if part in request.path and self.times.get(part) != 0:
                if part in self.times:
                    self.times[part] -= 1
                if answer is HANG:
                    while part in self.obstacles and not self._ended.wait(0.02):
                        pass
                    answer = None
                break
        else:
            answer = None
        if answer:
            status, kind, content = answer
            headers = [("Content-Type", kind), ("Replay-Nonce", "bm8tbm9uY2U")]
        else:
            status, headers, content = self._ask_pebble(request, body)
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _ask_pebble(self, request, body):
        upstream = http.client.HTTPSConnection(
            "localhost", self.pebble.port, context=self.pebble_tls, timeout=30
        )
        # With the Host of the client, so that the URLs that Pebble makes lead here.
        headers = {"Host": request.headers["Host"], "Content-Type": JOSE, "User-Agent": "test"}
        upstream.request(request.command, request.path, body or None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        kept = ("content-type", "location", "replay-nonce", "link", "retry-after")
        return answer.status, [one for one in answer.getheaders() if one[0].lower() in kept], content

    def stop(self):
        self._ended.set()
        self.server.shutdown()
        self.server.server_close()
