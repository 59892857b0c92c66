"""Clients without manners, each a process of its own: they take none of an honest client's time.

As a program: `flood.py KIND HOST PORT HEX SOURCE` does what KIND says with these bytes, from the
address SOURCE, until its standard input ends, and prints how often: requests that were answered, or
connections that were left.
"""

import contextlib
import socket
import ssl
import struct
import subprocess
import sys
import threading

BIND_ADDRESS_NO_PORT = 24


class Flood:
    """`with Flood(endpoint, "pipeline", data) as flood:`, and `flood.done` afterwards.

    "pipeline" sends the bytes again and again on one connection and reads what comes, "deaf" does
    not read; "close" and "reset" send them on one connection after another, and leave.
    """

    def __init__(self, endpoint, kind, data, clients=4):
        secure = kind in ("pipeline", "deaf") and endpoint.tls is not None
        line = [sys.executable, __file__, kind + "-tls" * secure, endpoint.host, str(endpoint.port)]
        # The kernel remembers the port of a closed connection for a minute, of each address.
        self.lines = [[*line, data.hex(), f"127.0.0.{2 + number}"] for number in range(clients)]
        self.done = 0

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.processes = [subprocess.Popen(line, **pipes) for line in self.lines]
        for process in self.processes:
            assert process.stdout.readline() == b"begun\n"
        return self

    def __exit__(self, *_):
        for process in self.processes:
            output, _ = process.communicate()
            self.done += int(output)


def pipeline(stream, data, over, deaf):
    answered, stream_open = 0, True
    stream.settimeout(0.05)
    while stream_open and not over.is_set():
        with contextlib.suppress(TimeoutError):
            stream.sendall(data)
        if not deaf:
            with contextlib.suppress(TimeoutError):
                received = stream.recv(1 << 20)
                answered += received.count(b"HTTP/1.1 200 ")
                stream_open = received != b""
    return answered


def leave(plain, data, reset):
    plain.sendall(data)
    if reset:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def opened(place, source):
    """A connection from this address, whose port the kernel chooses for this one way only: no
    listener that is about to open will find it taken."""
    plain = socket.socket()
    plain.settimeout(10)
    plain.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
    plain.bind((source, 0))
    plain.connect(place)
    return plain


def main(kind, host, port, data, source):
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    kind, _, secure = kind.partition("-")
    context = ssl._create_unverified_context()
    place, data, done = (host, int(port)), bytes.fromhex(data), 0
    print("begun", flush=True)
    while not over.is_set():
        with contextlib.suppress(OSError), opened(place, source) as plain:
            if kind in ("close", "reset"):
                leave(plain, data, kind == "reset")
                done += 1
                continue
            stream = plain
            if secure:
                stream = context.wrap_socket(plain, server_hostname="example.com")
            done += pipeline(stream, data, over, kind == "deaf")
    print(done)


if __name__ == "__main__":
    main(*sys.argv[1:])
