"""Each wall around the daemon stands, also without the other one: system calls are made from inside
it, and fail.

Every attempt is made on a daemon without walls too, where it succeeds: else it would show nothing.
The kernels that lack a wall are made of ours, with a filter from outside: no switch of the daemon's
takes one down.
"""

import errno
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness import intruder, kernel
from harness.certificates import Certbot
from harness.daemon import BINARY, HTTPS, PLAIN, SERVER_OPTION, is_sanitized
from harness.intruder import Killed, inside
from harness.service_manager import NotifySocket
from harness.waiting import eventually
from harness.wire import trusting_anyone

pytestmark = [
    pytest.mark.skipif(is_sanitized(), reason="sanitizers cannot live within the walls"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to get into the process"),
    pytest.mark.skipif(
        not (intruder.SUPPORTED and kernel.SUPPORTED), reason="written for x86-64 only"
    ),
]
has_seccomp = b"seccomp_load" in BINARY.read_bytes()
needs_seccomp = pytest.mark.skipif(not has_seccomp, reason="built without libseccomp")
needs_landlock = pytest.mark.skipif(not kernel.has_landlock(), reason="a kernel without Landlock")

AT_FDCWD = -100
MAP_PRIVATE_ANONYMOUS = 0x22
MSG_FASTOPEN = 0x20000000
DAC_READ_SEARCH, NET_BIND_SERVICE = 1 << 2, 1 << 10


@pytest.fixture
def confined(start, site, tmp_path):
    return start(*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))


@pytest.fixture
def without_walls(start, site, tmp_path):
    line = (*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    return start(*line, **kernel.without("landlock", "seccomp"))


@pytest.fixture
def within_landlock(start, site, tmp_path):
    """Where there is no seccomp filter, the other wall stands by itself."""
    line = (*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    return start(*line, **kernel.without("seccomp"))


@pytest.fixture
def within_seccomp(start, site, tmp_path):
    """Where there is no Landlock, as in many containers."""
    line = (*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    return start(*line, **kernel.without("landlock"))


def threads_of(daemon):
    return sorted(int(entry) for entry in os.listdir(f"/proc/{daemon.pid}/task"))


def text(path):
    return f"text:{path}"


def read(path):
    return "openat", AT_FDCWD, text(path), os.O_RDONLY


def write(path):
    return "openat", AT_FDCWD, text(path), os.O_WRONLY | os.O_CREAT, 0o600


def ipv4(port):
    return "hex:" + struct.pack("=H", socket.AF_INET).hex() + struct.pack(
        ">HIQ", port, 0x7F000001, 0
    ).hex()


FORBIDDEN_FILES = ("/etc/passwd", "/etc/shadow", "/proc/self/mem", "/", BINARY)


@needs_landlock
@pytest.mark.parametrize("path", FORBIDDEN_FILES, ids=str)
def test_no_thread_opens_a_file_that_serving_does_not_take(confined, path):
    for thread in threads_of(confined):
        assert inside(thread, *read(path)) == -errno.EACCES
    assert confined.https[0].serves()


@pytest.mark.parametrize("path", FORBIDDEN_FILES, ids=str)
def test_without_walls_it_would(without_walls, path):
    assert inside(without_walls.pid, *read(path)) >= 0


@needs_landlock
def test_by_landlock_alone_certificates_can_be_read_but_not_changed(
    within_landlock, site, tmp_path
):
    certificate, pid = tmp_path / "site.pem", within_landlock.pid
    assert inside(pid, *read(certificate)) >= 0
    assert inside(pid, *write(certificate)) == -errno.EACCES
    assert inside(pid, *write(tmp_path / "new")) == -errno.EACCES
    assert inside(pid, "unlink", text(certificate)) == -errno.EACCES
    assert inside(pid, "mkdir", text(tmp_path / "new"), 0o700) == -errno.EACCES
    assert inside(pid, "symlink", text("/"), text(tmp_path / "new")) == -errno.EACCES
    assert inside(pid, "mknod", text(tmp_path / "new"), 0o010600, 0) == -errno.EACCES
    moved = inside(pid, "rename", text(certificate), text(tmp_path / "new"))
    assert moved in (-errno.EACCES, -errno.EXDEV)
    assert certificate.read_bytes() == site.chain


def test_without_walls_they_could_be(without_walls, tmp_path):
    certificate = tmp_path / "site.pem"
    assert inside(without_walls.pid, *write(certificate)) >= 0
    assert inside(without_walls.pid, "unlink", text(certificate)) == 0
    assert not certificate.exists()


STREAM = ("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
F_SETFL, F_SETLK, F_SETOWN, F_SETSIG, F_SETLEASE, F_NOTIFY = 4, 6, 8, 10, 1024, 1026
F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_ADD_SEALS = 1030, 1031, 1033
O_PATH, O_TMPFILE = 0x200000, 0x410000
SOL_TCP, SOL_IP = 6, 0
NOWHERE = text("/nonexistent/a")


def opening(flags, path=text("/dev/null")):
    return ("openat", AT_FDCWD, path, flags, 0o600)


def option(level, number):
    return ("setsockopt", 0, level, number, "hex:0100000000000000", 4)


# By group: what an attacker in the process would do with it.
KILLING = {
    # start or become something
    "exec": ("execve", text("/bin/true"), 0, 0),
    "exec by descriptor": ("execveat", AT_FDCWD, NOWHERE, 0, 0, 0),
    "fork": ("fork",),
    "clone": ("clone", signal.SIGCHLD, 0, 0, 0, 0),
    "clone3": ("clone3", 0, 0),
    "another user": ("setuid", 0),
    "program memory": ("mmap", 0, 4096, 7, MAP_PRIVATE_ANONYMOUS, -1, 0),
    "memory without a file": ("memfd_create", text("a"), 0),
    "io_uring": ("io_uring_setup", 0, 0),
    "bpf": ("bpf", 0, 0, 0),
    "userfaultfd": ("userfaultfd", 0),
    "mount": ("mount", 0, 0, 0, 0, 0),
    "core dumps on again": ("prctl", 4, 1, 0, 0, 0),
    "limits": ("prlimit64", 0, 4, "words:0,0", 0),
    # reach other processes
    "signals to others": ("kill", 1, 0),
    "signals to threads of others": ("tgkill", 1, 1, 0),
    "queued signals": ("rt_tgsigqueueinfo", 1, 1, 0, 0),
    "signals by timer": ("timer_create", 0, 0, 0),
    "signals by descriptor, to whom": ("fcntl", 2, F_SETOWN, 1),
    "signals by descriptor, which": ("fcntl", 2, F_SETSIG, 9),
    "signals by descriptor, when": ("fcntl", 2, F_SETFL, 0x2000),
    "signals by directory": ("fcntl", 2, F_NOTIFY, 1),
    "signals by ioctl": ("ioctl", 2, 0x8901, "words:1"),
    "leases": ("fcntl", 2, F_SETLEASE, 1),
    "locks": ("fcntl", 2, F_SETLK, "words:0,0,0,0"),
    "seals": ("fcntl", 2, F_ADD_SEALS, 0),
    "size of a pipe": ("fcntl", 2, F_SETPIPE_SZ, 4096),
    "typing on a terminal": ("ioctl", 2, 0x5412, text("a")),
    "tracing": ("ptrace", 0, 0, 0, 0),
    "memory of others": ("process_vm_writev", 1, 0, 0, 0, 0, 0),
    "handles of processes": ("pidfd_open", 1, 0),
    "CPUs of others": ("sched_setaffinity", 1, 0, 0),
    "memory that is broken": ("madvise", 0, 0, 100),
    # write
    "opening to write": opening(os.O_WRONLY),
    "opening for both": opening(os.O_RDWR),
    "opening for neither": opening(3),
    "making a file": opening(os.O_CREAT, NOWHERE),
    "truncating by opening": opening(os.O_TRUNC),
    "making a file without a name": opening(O_TMPFILE | os.O_RDWR, text("/nonexistent")),
    "opening by a struct": ("openat2", AT_FDCWD, NOWHERE, 0, 0),
    "truncating": ("truncate", NOWHERE, 0),
    "truncating what is open": ("ftruncate", 2, 0),
    "renaming": ("rename", NOWHERE, text("/nonexistent/b")),
    "linking": ("link", NOWHERE, text("/nonexistent/b")),
    "symbolic links": ("symlink", NOWHERE, text("/nonexistent/b")),
    "directories": ("mkdir", NOWHERE, 0o700),
    "nodes": ("mknod", NOWHERE, 0o010600, 0),
    "modes": ("chmod", NOWHERE, 0o777),
    "removing": ("unlink", NOWHERE),
    "removing beneath": ("unlinkat", AT_FDCWD, NOWHERE, 0),
    # call out
    "datagram socket": ("socket", socket.AF_INET, socket.SOCK_DGRAM, 0),
    "raw socket": ("socket", socket.AF_INET, socket.SOCK_RAW, 1),
    "Unix socket": ("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0),
    "multipath TCP": ("socket", socket.AF_INET, socket.SOCK_STREAM, 262),
    "netlink": ("socket", 16, socket.SOCK_RAW, 0),
    "many messages": ("sendmmsg", 0, 0, 0, 0),
    "descriptors of others": ("recvmsg", 0, 0, 0),
    "another number for a descriptor": ("dup3", 2, 200, 0),
    "another number by fcntl": ("fcntl", 2, F_DUPFD_CLOEXEC, 200),
    # take over sockets
    "SO_REUSEPORT": option(socket.SOL_SOCKET, socket.SO_REUSEPORT),
    "SO_ATTACH_FILTER": option(socket.SOL_SOCKET, 26),
    "SO_BINDTODEVICE": option(socket.SOL_SOCKET, 25),
    "SO_MARK": option(socket.SOL_SOCKET, 36),
    "SO_RCVBUFFORCE": option(socket.SOL_SOCKET, 33),
    "IP_TRANSPARENT": option(SOL_IP, 19),
    "TCP_REPAIR": option(SOL_TCP, 19),
    "TCP_ULP": option(SOL_TCP, 31),
    "TCP_CONGESTION": option(SOL_TCP, 13),
}


@needs_seccomp
@pytest.mark.parametrize("attempt", KILLING.values(), ids=KILLING)
def test_by_seccomp_alone_what_serving_does_not_take_ends_the_process(within_seccomp, attempt):
    with pytest.raises(Killed, match="SIGSYS"):
        inside(within_seccomp.pid, *attempt)
    assert within_seccomp.wait() == -signal.SIGSYS


@needs_seccomp
@pytest.mark.parametrize("attempt", ("exec", "making a file", "signals by descriptor, to whom"))
@pytest.mark.parametrize("which", (0, -1), ids=("main thread", "worker"))
def test_every_thread_is_behind_both_walls(confined, attempt, which):
    with pytest.raises(Killed, match="SIGSYS"):
        inside(threads_of(confined)[which], *KILLING[attempt])
    assert confined.wait() == -signal.SIGSYS


@pytest.mark.parametrize("attempt", KILLING.values(), ids=KILLING)
def test_without_walls_it_would_not(without_walls, attempt):
    try:
        result = inside(without_walls.pid, *attempt)
        if attempt[0] in ("fork", "clone"):
            os.kill(result, signal.SIGKILL)  # the daemon's child would outlive it
    except Killed as killed:
        assert killed.signal != "SIGSYS"
    without_walls.kill()


@needs_seccomp
def test_by_seccomp_alone_files_are_read_only(within_seccomp, tmp_path):
    assert inside(within_seccomp.pid, *read(tmp_path / "site.pem")) >= 0
    assert inside(within_seccomp.pid, *opening(O_PATH | os.O_DIRECTORY, text("/"))) >= 0
    with pytest.raises(Killed, match="SIGSYS"):
        inside(within_seccomp.pid, *write(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def datagram_socket_of(daemon):
    """The descriptor of its socket to the service manager."""
    folder = Path(f"/proc/{daemon.pid}/fd")
    rows = [row.split() for row in Path(f"/proc/{daemon.pid}/net/unix").read_text().splitlines()]
    datagram = {f"socket:[{row[6]}]" for row in rows[1:] if row[4] == "0002"}
    return next(int(fd) for fd in os.listdir(folder) if os.readlink(folder / fd) in datagram)


def unix_address(path):
    return "hex:" + struct.pack("=H", socket.AF_UNIX).hex() + os.fsencode(path).hex() + "00"


@pytest.fixture
def bystander(tmp_path):
    """A datagram socket of another program, such as the one of the system log."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"{tmp_path}/log")
        other.settimeout(5)
        yield other


def sending_to(descriptor, path):
    size = 2 + len(str(path)) + 1
    message, vector = f"words:@3,{size},@4,1,0,0,0", "words:@5,1"
    return ("sendmsg", descriptor, message, 0, unix_address(path), vector, text("x"))


@pytest.mark.parametrize("walls", ("within", "without"))
def test_the_service_managers_socket_reaches_nobody_else(start, bystander, tmp_path, walls):
    if walls == "within" and not has_seccomp:
        pytest.skip("built without libseccomp")
    names = ("landlock",) if walls == "within" else ("landlock", "seccomp")
    with NotifySocket(tmp_path / "notify") as news:
        daemon = start.plain(environment=news.environment, **kernel.without(*names))
        attempt = sending_to(datagram_socket_of(daemon), bystander.getsockname())
        if walls == "within":
            with pytest.raises(Killed, match="SIGSYS"):
                inside(daemon.pid, *attempt)
        else:
            assert inside(daemon.pid, *attempt) == 1
            assert bystander.recv(10) == b"x"
        daemon.kill()


def test_the_service_managers_socket_makes_no_file(start, tmp_path):
    with NotifySocket(tmp_path / "notify") as news:
        daemon = start.plain(environment=news.environment, **kernel.without("landlock"))
        made = tmp_path / "made"
        address = unix_address(made)
        bound = inside(daemon.pid, "bind", datagram_socket_of(daemon), address, 3 + len(str(made)))
        assert bound == -errno.EINVAL and not made.exists()
        daemon.reload()
        news.wait_for("RELOADING")


@needs_landlock
@pytest.mark.skipif(kernel.landlock_version() < 6, reason="Landlock of this kernel knows no signals")
def test_by_landlock_alone_no_signal_and_no_abstract_socket_reaches_others(within_landlock):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(b"\0matrix-wellknownd-test-%d" % os.getpid())
        other.listen()
        name = other.getsockname()
        address = "hex:" + struct.pack("=H", socket.AF_UNIX).hex() + name.hex()
        opened = inside(within_landlock.pid, "socket", socket.AF_UNIX, socket.SOCK_STREAM, 0)
        connected = inside(within_landlock.pid, "connect", opened, address, 2 + len(name))
    assert connected == -errno.EPERM
    assert inside(within_landlock.pid, "kill", os.getpid(), 0) == -errno.EPERM


@pytest.fixture
def outside():
    """Somebody to call out to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@needs_seccomp
def test_connecting_out_ends_the_process(within_seccomp, outside):
    worker = threads_of(within_seccomp)[-1]
    opened = inside(worker, *STREAM)
    assert opened >= 0, "listeners that a reload adds take this"
    with pytest.raises(Killed, match="SIGSYS"):
        inside(worker, "connect", opened, ipv4(outside), 16)
    assert within_seccomp.wait() == -signal.SIGSYS


@needs_seccomp
def test_connecting_by_sending_ends_the_process(within_seccomp, outside):
    opened = inside(within_seccomp.pid, *STREAM)
    with pytest.raises(Killed, match="SIGSYS"):
        inside(within_seccomp.pid, "sendto", opened, text("x"), 1, MSG_FASTOPEN, ipv4(outside), 16)
    assert within_seccomp.wait() == -signal.SIGSYS


@needs_seccomp
def test_sending_to_an_address_ends_the_process(within_seccomp, outside):
    opened = inside(within_seccomp.pid, *STREAM)
    with pytest.raises(Killed, match="SIGSYS"):
        inside(within_seccomp.pid, "sendto", opened, text("x"), 1, 0, ipv4(outside), 16)
    assert within_seccomp.wait() == -signal.SIGSYS


@needs_landlock
@pytest.mark.skipif(kernel.landlock_version() < 4, reason="Landlock of this kernel knows no sockets")
def test_connecting_out_fails_by_landlock_alone(within_landlock, outside):
    opened = inside(within_landlock.pid, *STREAM)
    connected = inside(within_landlock.pid, "connect", opened, ipv4(outside), 16)
    assert connected == -errno.EACCES


@needs_landlock
def test_exec_fails_by_landlock_alone(within_landlock):
    assert inside(within_landlock.pid, "execve", text("/bin/true"), 0, 0) == -errno.EACCES


def test_without_walls_it_connects_and_execs(without_walls, outside):
    opened = inside(without_walls.pid, *STREAM)
    assert inside(without_walls.pid, "connect", opened, ipv4(outside), 16) == 0
    assert inside(without_walls.pid, "execve", text("/bin/true"), 0, 0) == 0
    assert without_walls.wait() == 0, "it has become /bin/true"


def capabilities(daemon):
    return {
        field: {
            int(line.split()[1], 16)
            for thread in threads_of(daemon)
            for line in Path(f"/proc/{thread}/status").read_text().splitlines()
            if line.startswith(field)
        }
        for field in ("CapInh", "CapPrm", "CapEff", "CapAmb")
    }


def test_as_root_it_keeps_reading_and_privileged_ports(confined):
    kept = {DAC_READ_SEARCH | NET_BIND_SERVICE}
    assert capabilities(confined) == {
        "CapInh": {0}, "CapPrm": kept, "CapEff": kept, "CapAmb": {0}
    }  # fmt: skip


def test_as_another_user_it_keeps_reading(start):
    daemon = start.plain("--user", "nobody")
    kept = {DAC_READ_SEARCH}
    assert capabilities(daemon) == {"CapInh": {0}, "CapPrm": kept, "CapEff": kept, "CapAmb": {0}}


def test_an_ordinary_user_has_no_capability(start):
    daemon = start.plain(user="nobody", group="nogroup")
    assert capabilities(daemon) == {"CapInh": {0}, "CapPrm": {0}, "CapEff": {0}, "CapAmb": {0}}


def test_no_thread_can_gain_privileges(confined):
    for thread in threads_of(confined):
        status = Path(f"/proc/{thread}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert not has_seccomp or "Seccomp:\t2" in status


def allow_core_dumps():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def leaves_a_core(process):
    """Ends it as a crash would, and says whether the kernel wrote its memory down."""
    os.kill(process.pid, signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = 0  # as asked
    assert os.WTERMSIG(status) == signal.SIGSEGV
    return os.WCOREDUMP(status)


def test_a_crash_writes_no_memory_down(start, tmp_path):
    daemon = start.plain(preexec_fn=allow_core_dumps, cwd=tmp_path)
    assert not leaves_a_core(daemon.process)


def test_another_program_would_have_left_a_core(tmp_path):
    other = subprocess.Popen(["/bin/sleep", "60"], preexec_fn=allow_core_dumps, cwd=tmp_path)
    if not leaves_a_core(other):
        pytest.skip("this system never writes cores")


ATTACH = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
sys.exit(ctypes.get_errno() if libc.ptrace(16, int(sys.argv[1]), 0, 0) == -1 else 0)
"""


def attaching_as_nobody(pid):
    """0, or the error that somebody of the user nobody gets who tries to trace it."""
    line = [sys.executable, "-c", ATTACH, str(pid)]
    return subprocess.run(line, user="nobody", group="nogroup", check=False).returncode


def test_the_same_user_cannot_look_into_it(start):
    daemon = start.plain(user="nobody", group="nogroup")
    assert attaching_as_nobody(daemon.pid) == errno.EPERM
    with subprocess.Popen(["/bin/sleep", "60"], user="nobody", group="nogroup") as other:
        assert attaching_as_nobody(other.pid) == 0
        other.kill()


# What goes on working within the walls, beside all other tests, which run there too.


CONFIGURATION = """
listen = {{ {listen} }}
listen_http = {{ {listen_http} }}
{certificate}
domain "example.com" {{ server = "{server}" }}
"""


def configuration(certificate, *, listen="127.0.0.1:0", http="127.0.0.1:0", server="one.example:1"):
    return CONFIGURATION.format(
        listen=", ".join(f'"{address}"' for address in listen.split()),
        listen_http=", ".join(f'"{address}"' for address in http.split()),
        certificate=certificate,
        server=server,
    )


def pair_settings(certificate, key):
    return f'certificate = "{certificate}"\nkey = "{key}"\n'


def reload_with(daemon, settings):
    daemon.configuration.write_text(settings)
    mark = len(daemon.log)
    daemon.reload()
    return mark


@needs_landlock
def test_a_reload_to_another_directory_is_refused_until_a_restart(start, site, authority, tmp_path):
    daemon = start.configured(configuration(site.settings(tmp_path)))
    other = authority.issue("example.com")
    with tempfile.TemporaryDirectory() as elsewhere:
        settings = configuration(other.settings(elsewhere), server="two.example:2")
        mark = reload_with(daemon, settings)
        error = daemon.wait_for_log("not reloaded", mark) and daemon.log[mark:]
        assert f"{daemon.configuration}:4: " in error
        assert str(elsewhere) in error and "restart" in error
        assert daemon.https[0].get().json == {"m.server": "one.example:1"}
        assert daemon.https[0].certificate() == site.leaf
        daemon.stop()
        again = start("--config", daemon.configuration)
        assert again.https[0].certificate() == other.leaf


@needs_landlock
@pytest.mark.parametrize("setting", ("domains_dir", "client_extra"))
def test_other_files_elsewhere_are_refused_too(start, tmp_path, setting):
    daemon = start.configured(configuration("", listen=""))
    with tempfile.TemporaryDirectory() as elsewhere:
        (Path(elsewhere) / "extra.json").write_text("{}")
        place = elsewhere if setting == "domains_dir" else f"{elsewhere}/extra.json"
        extra = f'client = "https://m.example"\n{setting} = "{place}"\n'
        mark = reload_with(daemon, configuration(extra, listen=""))
        daemon.wait_for_log("not reloaded", mark)
        assert f"{daemon.configuration}:5: " in daemon.log[mark:]
        assert elsewhere in daemon.log[mark:] and "restart" in daemon.log[mark:]
    assert daemon.http[0].serves()


@needs_landlock
@pytest.mark.parametrize("setting", ("acme_alpn_dir", "acme_webroot", "certificate"))
def test_what_is_read_only_later_is_refused_at_the_reload(start, site, tmp_path, setting):
    """The file of a domain's pair, or of a challenge: none of them need be there at the reload."""
    daemon = start.configured(configuration(site.settings(tmp_path)))
    with tempfile.TemporaryDirectory() as elsewhere:
        more = f'{setting} = "{elsewhere}"\n'
        if setting == "certificate":
            pair = pair_settings(f"{elsewhere}/a.pem", f"{elsewhere}/a.key")
            more = f'domain "b.example" {{ server = "m:1"\n{pair} }}\n'
        mark = reload_with(daemon, configuration(site.settings(tmp_path)) + more)
        daemon.wait_for_log("not reloaded", mark)
        assert elsewhere in daemon.log[mark:] and "restart" in daemon.log[mark:]
    assert daemon.https[0].serves()


@needs_landlock
def test_a_socket_in_another_directory_is_refused_until_a_restart(start, tmp_path):
    socket_path = tmp_path / "a.sock"
    daemon = start.configured(configuration("", listen="", http=f"127.0.0.1:0 unix:{socket_path}"))
    beside = tmp_path / "b.sock"
    reload_with(daemon, configuration("", listen="", http=f"127.0.0.1:0 unix:{beside}"))
    eventually(lambda: beside.exists() and not socket_path.exists(), "the sockets to change")
    assert daemon.endpoint(beside).serves()
    with tempfile.TemporaryDirectory() as elsewhere:
        path = f"{elsewhere}/c.sock"
        mark = reload_with(daemon, configuration("", listen="", http=f"127.0.0.1:0 unix:{path}"))
        daemon.wait_for_log("not reloaded", mark)
        assert path in daemon.log[mark:] and "restart" in daemon.log[mark:]
    assert daemon.endpoint(beside).serves()


@pytest.mark.parametrize("missing", ("landlock", "nothing"))
def test_the_first_unix_socket_takes_a_restart(start, tmp_path, missing):
    details = kernel.without(missing) if missing != "nothing" else {}
    daemon = start.configured(configuration("", listen=""), **details)
    both = f"127.0.0.1:0 unix:{tmp_path}/a.sock"
    mark = reload_with(daemon, configuration("", listen="", http=both))
    daemon.wait_for_log("not reloaded", mark)
    assert f"{tmp_path}/a.sock" in daemon.log[mark:] and "restart" in daemon.log[mark:]
    assert daemon.http[0].serves()


def test_new_listeners_of_every_kind_open_at_a_reload(start, site, tmp_path):
    text_ = configuration("", listen="")
    daemon = start.configured(text_.replace("listen = {  }", ""))
    more = configuration(site.settings(tmp_path), http="127.0.0.1:0 [::1]:0")
    mark = reload_with(daemon, 'metrics_listen = { "127.0.0.1:0" }\n' + more)
    daemon.wait_for_log("ready https://", mark)
    daemon.error_file.write_text(daemon.log[mark:])
    daemon.wait_until_ready()
    assert daemon.https[0].serves() and daemon.http[-1].serves()
    assert b"matrix_wellknownd_" in daemon.metrics[0].get("/metrics").body


@needs_landlock
def test_the_next_domain_of_certbot_needs_no_restart(start, site, authority, tmp_path):
    files = Certbot(tmp_path, site)
    settings = configuration(pair_settings(files.certificate, files.key))
    daemon = start.configured(settings)
    new = authority.issue("new.example")
    for kind in ("archive", "live"):
        (tmp_path / kind / "new.example").mkdir()
    for name, content in (("fullchain", new.chain), ("privkey", new.key)):
        (tmp_path / "archive/new.example" / f"{name}1.pem").write_bytes(content)
        link = tmp_path / "live/new.example" / f"{name}.pem"
        link.symlink_to(f"../../archive/new.example/{name}1.pem")
    live = tmp_path / "live/new.example"
    pair = pair_settings(live / "fullchain.pem", live / "privkey.pem")
    mark = reload_with(daemon, settings + f'domain "new.example" {{ server = "m:2"\n{pair} }}\n')
    daemon.wait_for_log("ready", mark)
    assert daemon.https[0].certificate("new.example", trusting_anyone()) == new.leaf


@pytest.mark.parametrize("missing", ("landlock", "seccomp"))
def test_on_a_kernel_without_a_wall_it_serves_and_says_so(start, site, tmp_path, missing):
    if missing == "seccomp" and not has_seccomp:
        pytest.skip("built without libseccomp")
    line = (*SERVER_OPTION, *HTTPS, *site.options(tmp_path), "--log-level", "debug")
    daemon = start(*line, **kernel.without(missing))
    assert daemon.https[0].serves()
    assert "confinement: " in daemon.log and missing in daemon.log.lower()
