"""The test internet's homeservers and misbehaving web servers: TLS by SNI, answers by path.

Run as `sites.py SPECIFICATION`, a JSON file:
{"listen": [[ADDRESS, PORT], ...], "plain": [...], "mute": [...], "trap": [...],
"caught": FILE, "sites": {NAME: SITE}}. Every connection to a trap adds a line to FILE.
SITE is {"chain", "key", "hosts", "routes"}; NAME is the SNI name, or the address that a client
without SNI has come to; "NAME@ADDRESS" is for that address alone. With "hosts", requests whose Host
header is none of them are answered 421. A route is {"status", "headers", "body", "quirk"}.
"""

import json
import socket
import ssl
import sys
import threading
import time

SPECIFICATION = json.load(open(sys.argv[1], encoding="utf-8"))
SITES = SPECIFICATION["sites"]


def answer(status, headers, body):
    lines = [f"HTTP/1.1 {status} Answer"]
    for name, value in headers.items():
        lines += [f"{name}: {each}" for each in (value if isinstance(value, list) else [value])]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def misbehave(connection, quirk):
    """Does what no server should."""
    if quirk == "hang":
        time.sleep(60)
    elif quirk == "drip":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(60):
            connection.sendall(b" ")
            time.sleep(1)
    elif quirk == "endless_body":
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)
    elif quirk == "endless_headers":
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
    elif quirk == "garbage":
        connection.sendall(b"220 mail.example ESMTP\r\n")
    elif quirk == "cut":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")


def serve_request(connection, site):
    request = b""
    while b"\r\n\r\n" not in request:
        data = connection.recv(65536)
        if not data:
            return
        request += data
    head = request.decode("latin-1").split("\r\n")
    path = head[0].split(" ")[1].split("?")[0]
    host = next(line[6:] for line in head if line.lower().startswith("host: "))
    if host not in site.get("hosts", [host]):
        connection.sendall(answer(421, {}, f"wrong Host {host}".encode()))
        return
    route = site["routes"].get(path) or site.get("fallback") or {"status": 404}
    if "quirk" in route:
        misbehave(connection, route["quirk"])
        return
    body = route.get("body", "").encode("utf-8", "surrogateescape")
    connection.sendall(answer(route.get("status", 200), route.get("headers", {}), body))


def context_of(site):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or it would not show a weak certificate
    context.load_cert_chain(site["chain"], site["key"])
    return context


CONTEXTS = {name: context_of(site) for name, site in SITES.items()}


def serve_tls(connection, address):
    """Picks the site by SNI and address, and serves one request."""
    chosen = []

    def choose(tls, name, _context):
        if name is None:
            return None
        for key in (f"{name}@{address}", name):
            if key in CONTEXTS:
                tls.context = CONTEXTS[key]
                chosen.append(SITES[key])
                return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    # A client without SNI gets the address's own site; a context of its own for each connection,
    # because the callback has to know the address.
    own = SITES.get(address) or next(iter(SITES.values()))
    context = context_of(own)
    context.sni_callback = choose
    with context.wrap_socket(connection, server_side=True) as tls:
        serve_request(tls, chosen[0] if chosen else own)


def serve_plain(connection, _address):
    if not connection.recv(1, socket.MSG_PEEK).isalpha():
        connection.sendall(answer(400, {}, b"this is HTTP"))
        return
    serve_request(connection, {"routes": SPECIFICATION.get("plain_routes", {})})


def serve_nothing(_connection, _address):
    time.sleep(60)


def catch(connection, address):
    """Notes that somebody has come, and what they wanted."""
    with open(SPECIFICATION["caught"], "ab", 0) as caught:
        caught.write(f"{address} {connection.getsockname()[1]} connected\n".encode())
        connection.settimeout(1)
        caught.write(connection.recv(200).split(b"\r\n")[0] + b"\n")


def handle(serve, connection, address):
    try:
        connection.settimeout(90)
        serve(connection, address)
    except (OSError, ValueError, IndexError, StopIteration):
        pass
    finally:
        connection.close()


def listen(serve, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)

    def accept():
        while True:
            connection, _peer = listener.accept()
            threading.Thread(target=handle, args=(serve, connection, address), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


for where in SPECIFICATION["listen"]:
    listen(serve_tls, *where)
for where in SPECIFICATION.get("plain", []):
    listen(serve_plain, *where)
for where in SPECIFICATION.get("mute", []):
    listen(serve_nothing, *where)
for where in SPECIFICATION.get("trap", []):
    listen(catch, *where)
print("ready", flush=True)
threading.Event().wait()
