"""The load tools, and what each answers: how many requests were answered right.

A run in which a single answer is wrong, or a single handshake is not of the kind that is measured,
raises Wrong: such a number is worth nothing."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path


from servers import BODY, HEADERS, PATH, SUITES, find

HERE = Path(__file__).parent


class Wrong(Exception):
    """Something was not answered as it should have been."""


def check(condition, server, message):
    if not condition:
        raise Wrong(f"{server.name}: {message}")


def run(command, seconds=600):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=seconds
    )
    if done.returncode != 0:
        raise Wrong(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


class Client:
    """bench/client; see its usage."""

    program = Path("bench/client")

    @classmethod
    def arguments(cls, mode, server, *options, plain=False):
        port = server.plain_port if plain else server.port
        extra = ["--plain"] if plain else []
        words = [cls.program, mode, "--port", port, "--expect", BODY, *extra, *options]
        return [str(word) for word in words]

    @classmethod
    def load(cls, server, *options, plain=False):
        result = json.loads(run(cls.arguments("load", server, *options, plain=plain)))
        check(result["wrong"] == 0, server, f"{result['wrong']} wrong answers")
        check(result["resumed"] == 0, server, f"{result['resumed']} handshakes were resumed")
        return result

    @classmethod
    def start_until_first_answer(cls, server, *options, seconds=300):
        """Starts the server; seconds from exec to the first right answer."""
        server.start()
        command = cls.arguments("first", server, *options)
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + seconds
        while client.poll() is None:
            time.sleep(0.005)
            if server.process.process.poll() is not None or time.monotonic() > deadline:
                client.kill()
                client.wait()
                server.stop()
                log = server.process.log.read_text()[-2000:]
                raise Wrong(f"{server.name} does not answer:\n{log}")
        answered = json.loads(client.stdout.read())
        server.process.settle()
        return (answered["monotonic_ns"] - server.process.started) / 1e9


class Idle:
    """Connections that have had their answer and stay open."""

    def __init__(self, server, count):
        self.server = server
        self.count = count
        self.client = subprocess.Popen(
            Client.arguments("idle", server, "--count", count),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        right = json.loads(self.client.stdout.readline())["right"]
        check(right == count, server, f"only {right} of {count} connections were answered")

    def close(self):
        out, _ = self.client.communicate(timeout=60)
        alive = json.loads(out)["alive"]
        check(alive == self.count, self.server, f"only {alive} of {self.count} stayed open")


def cpu_of(server, load):
    """Microseconds of CPU a request; `load` is called and returns the number of requests."""
    before = server.process.cpu()
    count = load()
    time.sleep(0.03)  # the last connections' ends
    return (server.process.cpu() - before) / 1000 / count


def answer_length(server, version="1.0"):
    """Bytes of the raw answer to what openssl s_time or wrk ask."""
    request = f"GET {PATH} HTTP/{version}\r\n"
    request += "\r\n" if version == "1.0" else "Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.plain_port)) as peer:
        peer.sendall(request.encode())
        data = b""
        while piece := peer.recv(65536):
            data += piece
    check(b" 200 " in data.split(b"\r\n")[0], server, f"answered {data[:60]}")
    check(data.endswith(b"\r\n\r\n" + BODY.encode()), server, "another body")
    return len(data)


def s_time(server, kind, seconds):
    """openssl s_time, with full (-new) or resumed (-reuse) handshakes; the number of requests."""
    output = run(
        [find("openssl"), "s_time", "-connect", f"127.0.0.1:{server.port}", f"-{kind}", "-tls1_3"]
        + ["-ciphersuites", SUITES.split(":")[0], "-www", PATH, "-time", seconds]
    )
    user = re.search(r"^(\d+) connections in [\d.]+s;.*bytes read (\d+)$", output, re.M)
    check(user, server, f"s_time failed: {output[-200:]}")
    count, size = int(user[1]), int(user[2])
    # One letter a handshake: r was resumed, * was not.
    letters = max(re.findall(r"^[r*]+", output, re.M), key=len)
    resumed = letters.count("r")
    if kind == "new":
        check(resumed == 0, server, f"{resumed} of {count} handshakes were resumed")
    else:
        check(resumed == count, server, f"only {resumed} of {count} handshakes were resumed")
    expected = count * answer_length(server)
    check(size == expected, server, f"{size} bytes in {count} answers, not {expected}")
    return count


def wrk(server, plain, seconds, connections=64):
    """wrk on kept connections; the number of requests."""
    port = server.plain_port if plain else server.port
    url = f"http{'' if plain else 's'}://127.0.0.1:{port}{PATH}"
    output = run(
        [find("wrk"), "-t1", f"-c{connections}", f"-d{seconds}", "-s", HERE / "answers.lua", url]
    )
    found = re.search(r"^answers (\d+) bytes (\d+) errors (\d+)$", output, re.M)
    check(found, server, f"wrk failed: {output[-200:]}")
    count, size, errors = map(int, found.groups())
    check(errors == 0 and count > 0, server, f"{errors} errors in wrk's {count} answers")
    # What is under way at the end is in neither or in one of the two counts.
    with_close = answer_length(server, "1.1")
    slack = connections * 600
    check(
        (with_close - 60) * count - slack <= size <= (with_close + 60) * count + slack,
        server,
        f"{size} bytes in {count} answers of about {with_close}",
    )
    return count


def tls_context(**options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in options.items():
        setattr(context, name, value)
    return context


def get(server, context):
    """One answer over HTTPS, and what the TLS connection was."""
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=context)
    connection.request("GET", PATH, headers={"Host": "example.com"})
    peer = connection.sock
    tls = peer.version(), peer.cipher()[0], peer.getpeercert(True), peer.session_reused
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body, tls


def check_same(server, reference):
    """That the server's answer, certificate, versions and groups are what all others' are."""
    response, body, (version, suite, certificate, _) = get(server, tls_context())
    check(response.status == 200 and body == BODY, server, f"answered {response.status} {body}")
    check(version == "TLSv1.3", server, f"speaks {version}")
    check(certificate == reference, server, "has another certificate")
    for name, value in {**HEADERS, "Content-Type": "application/json"}.items():
        got = response.getheader(name)
        check(got == value, server, f"sends {name}: {got}")
    for name in ("Date", "Content-Length", "ETag"):
        check(response.getheader(name), server, f"sends no {name}")
    old = tls_context(maximum_version=ssl.TLSVersion.TLSv1_2)
    check(get(server, old)[2][0] == "TLSv1.2", server, "does not speak TLS 1.2")
    brief = subprocess.run(
        [find("openssl"), "s_client", "-connect", f"127.0.0.1:{server.port}", "-brief"],
        input="",
        capture_output=True,
        text=True,
        timeout=10,
        env={**os.environ, "LC_ALL": "C"},
    ).stderr
    check("X25519" in brief, server, f"does not choose X25519: {brief}")
    return {"suite": suite, "etag": response.getheader("ETag")}


def wait_quiet(server, window=0.2, patience=120):
    """Until the server has nothing to do any more, not even in the background."""
    last = server.process.cpu()
    for _ in range(int(patience / window)):
        time.sleep(window)
        spent = server.process.cpu() - last
        last += spent
        if spent < 2e6:
            return
