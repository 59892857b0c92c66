"""The program runs with the libmicrohttpd of another release than it was built for: both have one
soname, and an upgrade of the system replaces one by the other.

WELLKNOWND_OTHER_MICROHTTPD names a folder with libmicrohttpd.so.12 of another release; without it
such a library is fetched with apt where the system's other release can be reached.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from harness.daemon import BINARY
from harness.tls_peer import TLS12, TLS13, TlsPeer
from harness.wire import request_bytes

NAME = "libmicrohttpd.so.12"
# The packages of both releases, as Debian's pool has them.
MIRROR = "http://deb.debian.org/debian"
SUITES = {"1.0": "bookworm", "0.9": "trixie"}  # where the other one is


def version_of(folder=None):
    """The version of the library that a program finds, in this folder first."""
    code = (
        "import ctypes; f = ctypes.CDLL('libmicrohttpd.so.12').MHD_get_version;"
        "f.restype = ctypes.c_char_p; print(f().decode())"
    )
    variables = {**os.environ, **({"LD_LIBRARY_PATH": str(folder)} if folder else {})}
    result = subprocess.run(
        ["/usr/bin/python3", "-c", code], env=variables, capture_output=True, text=True, check=False
    )
    return result.stdout.strip()


def apt(folder, *arguments):
    """apt-get with lists and sources of its own: the system stays as it is."""
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/nonexistent",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "",
    }
    line = ["apt-get", "-qq"] + [f"-o{name}={value}" for name, value in options.items()]
    subprocess.run([*line, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def other_library(tmp_path_factory):
    """A folder with the other version of the library."""
    if folder := os.environ.get("WELLKNOWND_OTHER_MICROHTTPD"):
        return Path(folder)
    here = version_of()
    suite = SUITES.get(here[:3])
    if not suite:
        pytest.skip(f"there is no other version known than {here}")
    folder = tmp_path_factory.mktemp("other")
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "cache").mkdir()
    (folder / "sources.list").write_text(f"deb {MIRROR} {suite} main\n")
    try:
        apt(folder, "update")
        apt(folder, "download", "libmicrohttpd12t64" if suite == "trixie" else "libmicrohttpd12")
    except (OSError, subprocess.SubprocessError) as problem:
        pytest.skip(f"no other libmicrohttpd can be fetched: {problem}")
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    (library,) = folder.glob(f"usr/lib/*/{NAME}")
    return library.parent


@pytest.fixture
def daemon(start, site, other_library):
    other = version_of(other_library)
    if not other:
        pytest.skip("the other library does not load here")
    assert other[:3] != version_of()[:3]
    linked = subprocess.run(
        ["ldd", BINARY], env={"LD_LIBRARY_PATH": str(other_library)}, capture_output=True, text=True
    ).stdout
    assert re.search(rf"{re.escape(NAME)} => {re.escape(str(other_library))}", linked)
    return start.configured(
        f"""
        listen = {{ "127.0.0.1:0" }}
        listen_http = {{ "127.0.0.1:0" }}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
        """,
        environment={"LD_LIBRARY_PATH": str(other_library)},
    )


@pytest.mark.parametrize("kind", ("http", "https"))
def test_requests_are_answered_with_the_other_version(daemon, kind):
    endpoint = getattr(daemon, kind)[0]
    for _ in range(20):
        assert endpoint.get().json == {"m.server": "m.example:1"}
    with endpoint.connect() as connection:
        for _ in range(20):
            assert connection.request().status == 200
        assert connection.request(method="POST", body=b"x" * 1000).status == 405
        assert connection.request("/other").status == 404


@pytest.mark.parametrize("priorities", (TLS12, TLS13), ids=("TLS 1.2", "TLS 1.3"))
def test_records_are_read_with_the_other_version(daemon, priorities):
    with daemon.https[0].open() as plain, TlsPeer(plain, priorities=priorities) as peer:
        peer.handshake()
        if priorities == TLS13:
            peer.empty_record()
            peer.key_update()
        peer.data(request_bytes())
        peer.flush()
        assert peer.read_answer()[0].startswith(b"HTTP/1.1 200 ")


MALFORMED = {
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "a line that ends with LF": b"GET / HTTP/1.1\r\nHost: example.com\nA: b\r\n\r\n",
    "a NUL in a field": b"GET / HTTP/1.1\r\nHost: example.com\r\nA: b\0c\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nHost: example.com\r\nA: b\r\n c\r\n\r\n",
    "a field without a name": b"GET / HTTP/1.1\r\nHost: example.com\r\n: b\r\n\r\n",
    "two blanks in the request line": b"GET  / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "a bad Content-Length": b"GET / HTTP/1.1\r\nHost: example.com\r\nContent-Length: x\r\n\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("kind", ("http", "https"))
def test_what_is_malformed_is_refused_with_the_other_version(daemon, kind, request_):
    with getattr(daemon, kind)[0].connect() as connection:
        connection.send(request_)
        answer = connection.read_to_end()
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", answer) or answer == b""
