"""What breaks around the daemon: in each case what was served goes on, or comes back by itself.

strace's faults reach the daemon on a kernel without seccomp only: an injected error is a system
call of number -1 to the filter, which ends the process.
"""

import contextlib
import itertools
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness import kernel
from harness.certificates import RenamedOver
from harness.clock import Clock, needs_clock
from harness.daemon import HTTPS, PLAIN, SERVER_OPTION, free_port, is_sanitized
from harness.faults import faults, needs_own_allocator
from harness.load import Load
from harness.service_manager import handing_over
from harness.waiting import eventually, scaled
from harness.wire import trusting_anyone

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_strace = pytest.mark.skipif(
    not shutil.which("strace") or not kernel.SUPPORTED, reason="needs strace"
)
LOOK_INTERVAL = 60  # seconds after which files are looked at where nothing tells of changes


def wait_until_served(endpoint, pair, timeout=2):
    eventually(
        lambda: endpoint.certificate(tls=trusting_anyone()) == pair.leaf,
        "the new certificate to be served",
        timeout,
    )


# inotify


def in_user_namespace(limit, value):
    """Details for Starter: a user namespace of its own in which root may watch so little."""
    script = f'echo {value} >/proc/sys/user/{limit} && exec "$@"'
    return {"starter": ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]}


def has_user_namespaces():
    line = ["unshare", "--user", "--map-root-user", "true"]
    return shutil.which("unshare") and subprocess.run(line, check=False).returncode == 0


needs_user_namespaces = pytest.mark.skipif(
    not has_user_namespaces(), reason="user namespaces are not available"
)
INOTIFY_LIMITS = (("max_inotify_watches", 0), ("max_inotify_instances", 0))


@needs_user_namespaces
@pytest.mark.parametrize("limit, value", INOTIFY_LIMITS)
def test_without_watches_it_serves_warns_and_renews_at_a_reload(
    start, site, authority, tmp_path, limit, value
):
    files = RenamedOver(tmp_path, site)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    daemon = start(*line, **in_user_namespace(limit, value))
    daemon.wait_for_log("warning: .*once a minute")
    assert daemon.https[0].certificate() == site.leaf
    renewed = authority.issue("example.com")
    files.replace(renewed)
    daemon.reload()
    wait_until_served(daemon.https[0], renewed, timeout=10)


@pytest.mark.soak
@needs_user_namespaces
@pytest.mark.parametrize("limit, value", INOTIFY_LIMITS)
def test_without_watches_it_renews_within_a_minute(
    start, site, authority, tmp_path, limit, value
):
    files = RenamedOver(tmp_path, site)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    daemon = start(*line, **in_user_namespace(limit, value))
    renewed = authority.issue("example.com")
    files.replace(renewed)
    wait_until_served(daemon.https[0], renewed, timeout=LOOK_INTERVAL + 10)


def test_an_overflow_of_inotifys_queue_loses_no_renewal(start, site, authority, tmp_path):
    files = RenamedOver(tmp_path, site)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    daemon = start(*line)
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 100_000:
        pytest.skip("the queue is longer than a test has patience for")
    daemon.process.send_signal(signal.SIGSTOP)
    for _ in range(limit // 3 + 100):  # made, closed and removed: three events
        (tmp_path / "other").touch()
        (tmp_path / "other").unlink()
    renewed = authority.issue("example.com")
    files.replace(renewed)
    daemon.process.send_signal(signal.SIGCONT)
    wait_until_served(daemon.https[0], renewed)


# Descriptors and memory


class Faults:
    """strace at a running daemon, which makes system calls fail until the block ends."""

    def __init__(self, daemon, calls, error, when):
        self.daemon = daemon
        self.line = ["strace", "-f", "-qq", "-o", daemon.directory / "faults", "-e", f"trace={calls}"]
        self.line += ["-e", f"inject={calls}:error={error}:when={when}", "-p", str(daemon.pid)]

    def __enter__(self):
        self.process = subprocess.Popen(self.line)
        threads = Path(f"/proc/{self.daemon.pid}/task")
        eventually(
            lambda: all("TracerPid:\t0" not in (thread / "status").read_text()
                        for thread in threads.iterdir()),
            "strace to be there",
        )
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(scaled(10))

    @property
    def count(self):
        return (self.daemon.directory / "faults").read_text().count("(INJECTED)")


# Not epoll_ctl, which strace could make fail only where the kernel never does too: to remove. Not
# brk, which says so by the old address, not by an error; memory runs out in tests of its own.
FAULTS = (
    ("accept4", "EMFILE"),
    ("accept4", "ENFILE"),
    ("accept4", "ENOMEM"),
    ("accept4", "ECONNABORTED"),
    ("epoll_wait", "EINTR"),
    ("recvfrom", "ENOMEM"),
    ("sendmsg,sendto", "ENOBUFS"),
    ("getrandom", "EINTR"),
    ("openat", "EMFILE"),
    ("openat", "ENFILE"),
    ("openat", "ENOMEM"),
    ("openat", "EIO"),
    ("read", "EIO"),
    ("read", "EINTR"),
    ("newfstatat", "ENOMEM"),
    ("inotify_add_watch", "ENOSPC"),
    ("inotify_init1", "EMFILE"),
    ("mmap", "ENOMEM"),
    ("socket", "EMFILE"),
    ("bind", "ENOBUFS"),
    ("epoll_create1,eventfd2", "EMFILE"),
)


@needs_strace
@needs_root
@pytest.mark.parametrize("when", ("1+2", "1+1"), ids=("every other", "all"))
@pytest.mark.parametrize("calls, error", FAULTS)
def test_system_calls_that_fail_for_a_while_leave_no_trace(
    start, site, authority, tmp_path, calls, error, when
):
    if calls == "mmap" and is_sanitized():
        pytest.skip("sanitizers end a process whose mmap fails")
    files = RenamedOver(tmp_path, site)
    one = (
        'request_timeout = 1\nlisten = { "127.0.0.1:0" }\nlisten_http = { "127.0.0.1:0" }\n'
        f'certificate = "{files.certificate}"\nkey = "{files.key}"\n'
        'domain "example.com" { server = "m:1" }\n'
    )
    more = one.replace('listen_http = { "', 'listen_http = { "127.0.0.1:0", "')
    daemon = start.configured(one, **kernel.without("seccomp"))
    daemon.directory = tmp_path
    renewed = authority.issue("example.com")
    with Load(*daemon.https, *daemon.http), Faults(daemon, calls, error, when):
        daemon.configuration.write_text(more)
        daemon.reload()
        files.replace(renewed)
        time.sleep(0.5)
        daemon.reload()
        time.sleep(0.1)
    assert daemon.process.poll() is None, daemon.log
    daemon.reload()  # what the look once a minute would do
    wait_until_served(daemon.https[0], renewed, timeout=10)
    for endpoint in (*daemon.https, *daemon.http):
        assert endpoint.get().status == 200
    with Load(*daemon.https, *daemon.http) as load:
        time.sleep(0.2)
    assert load.failures == []


@pytest.mark.soak
@needs_strace
@needs_root
def test_a_renewal_that_could_not_be_read_is_taken_within_a_minute(
    start, site, authority, tmp_path
):
    files = RenamedOver(tmp_path, site)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    daemon = start(*line, **kernel.without("seccomp"))
    daemon.directory = tmp_path
    renewed = authority.issue("example.com")
    with Faults(daemon, "openat", "EMFILE", "1+1"):
        files.replace(renewed)
        daemon.wait_for_log("Too many open files")
    assert daemon.https[0].certificate() == site.leaf
    wait_until_served(daemon.https[0], renewed, timeout=LOOK_INTERVAL + 10)


def test_more_clients_than_descriptors_and_then_fewer(start, site, tmp_path):
    daemon = start(*SERVER_OPTION, *HTTPS, *PLAIN, *site.options(tmp_path))
    used = daemon.descriptor_count()
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used + 5, used + 5))
    with contextlib.ExitStack() as clients:
        for _ in range(30):
            clients.enter_context(daemon.http[0].open())
        eventually(daemon.http[0].serves, "a newcomer to be served all the same")
    for endpoint in (*daemon.https, *daemon.http):
        eventually(endpoint.serves, "all to be well again")


@pytest.mark.skipif(is_sanitized(), reason="sanitizers end a process without memory")
def test_no_memory_for_a_while(start, site, authority, tmp_path):
    files = RenamedOver(tmp_path, site)
    daemon = start.configured(
        'request_timeout = 1\nlisten = { "127.0.0.1:0" }\nlisten_http = { "127.0.0.1:0" }\n'
        f'certificate = "{files.certificate}"\nkey = "{files.key}"\n'
        'domain "example.com" { server = "m:1" }\n'
    )
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    renewed = authority.issue("example.com")
    # More than fits into what the C library holds in reserve.
    with daemon.configuration.open("a") as file:
        file.writelines(f'domain "d{n}.example" {{ server = "m{n}:1" }}\n' for n in range(2000))
    resource.prlimit(daemon.pid, resource.RLIMIT_DATA, (4096, resource.RLIM_INFINITY))
    for _ in range(3):
        seen = len(daemon.log)
        daemon.reload()
        daemon.wait_for_log("^ready|not reloaded", after=seen)
        for endpoint in (*daemon.https, *daemon.http):
            endpoint.serves()
    assert "out of memory" in daemon.log
    files.replace(renewed)
    time.sleep(0.3)
    resource.prlimit(daemon.pid, resource.RLIMIT_DATA, unlimited)
    daemon.reload()  # what the look once a minute would do
    wait_until_served(daemon.https[0], renewed, timeout=10)
    assert daemon.http[0].serves()


@needs_own_allocator
def test_each_allocation_of_a_reload_may_fail(start, site, tmp_path):
    """One after another, once each: the old settings go on then, or the new ones are in use."""
    text = (
        'listen = {{ "127.0.0.1:0" }}\nlisten_http = {{ {listeners} }}\n'
        + site.settings(tmp_path).replace("{", "{{")
        + 'domain "example.com" {{ server = "{server}" client = "https://m.example" '
        'client_extra = "extra.json"\nsupport {{ page = "https://m.example" }} }}\n'
    )
    (tmp_path / "extra.json").write_text('{"a": {"b": [1, 2]}}')
    one = text.format(listeners='"127.0.0.1:0"', server="m0:1")
    with faults("allocation", tmp_path) as (preload, countdown):
        daemon = start.configured(one, environment=preload)
        for number in itertools.count(1):
            listeners = ", ".join(['"127.0.0.1:0"'] * (1 + number % 2))
            daemon.configuration.write_text(text.format(listeners=listeners, server=f"m{number}:1"))
            seen = len(daemon.log)
            countdown.set(number)
            daemon.reload()
            line = daemon.wait_for_log("^ready|not reloaded", after=seen)
            left = countdown.get()
            countdown.set(0)
            server = daemon.http[0].get().json["m.server"]
            assert server == f"m{number}:1" or "not reloaded" in line
            assert daemon.https[0].get().json["m.server"] == server
            if left > 0:
                break  # there are fewer allocations than that
    assert number > 50


@needs_own_allocator
def test_a_renewal_with_little_memory_ends_nothing(start, site, authority, tmp_path):
    """However little is left: GnuTLS' libraries crash where they get none."""
    files = RenamedOver(tmp_path, site)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    served = site
    with faults("budget", tmp_path) as (preload, budget):
        daemon = start(*line, environment=preload)
        for size in (*range(4, 160, 4), 1024):
            renewed = authority.issue("example.com")
            seen = len(daemon.log)
            budget.set(size * 1024)
            files.replace(renewed)
            line = daemon.wait_for_log("site.pem: (out of memory|new certificate)", after=seen)
            budget.set(0)
            served = served if "matrix-wellknownd:" in line else renewed
            assert daemon.https[0].certificate() == served.leaf
    assert served is renewed


# A disk


@contextlib.contextmanager
def mounted(directory):
    line = ["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(directory)]
    if subprocess.run(line, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def take_the_disk_away(start, site, directory):
    """A daemon whose certificates were on a disk that is gone; still it serves them."""
    (directory / "disk").mkdir()
    with mounted(directory / "disk"):
        files = RenamedOver(directory / "disk", site)
        line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
        daemon = start(*line)
        assert daemon.https[0].certificate() == site.leaf
    error = daemon.wait_for_log(r"matrix-wellknownd: .*site\.pem")
    assert f"{site.not_after:%Y-%m-%d}" in error, "until when the old one is good"
    assert daemon.https[0].certificate() == site.leaf
    return daemon


@needs_root
def test_a_disk_that_goes_away_and_comes_back(start, site, authority, tmp_path):
    daemon = take_the_disk_away(start, site, tmp_path)
    renewed = authority.issue("example.com")
    before = len(daemon.log)
    daemon.reload()
    daemon.wait_for_log("ready", after=before)
    assert daemon.https[0].certificate() == site.leaf
    with mounted(tmp_path / "disk"):
        RenamedOver(tmp_path / "disk", renewed)
        daemon.reload()
        wait_until_served(daemon.https[0], renewed, timeout=10)


@pytest.mark.soak
@needs_root
def test_a_disk_that_comes_back_is_found_within_a_minute(start, site, authority, tmp_path):
    daemon = take_the_disk_away(start, site, tmp_path)
    renewed = authority.issue("example.com")
    with mounted(tmp_path / "disk"):
        RenamedOver(tmp_path / "disk", renewed)
        wait_until_served(daemon.https[0], renewed, timeout=LOOK_INTERVAL + 10)


# The clock


@needs_clock
def test_a_clock_that_is_set_past_expiry_and_back(start, site, authority, tmp_path):
    clock = Clock(tmp_path / "clock")
    files = RenamedOver(tmp_path, site)
    line = (*SERVER_OPTION, *HTTPS, "--certificate", files.certificate, "--key", files.key)
    daemon = start(*line, **clock.details)
    with Load(*daemon.https) as load:
        clock.set("+200d")
        renewed = authority.issue("example.com")
        files.replace(renewed)
        daemon.wait_for_log("the new certificate expired on")
        assert daemon.https[0].certificate() == site.leaf, "it goes on"
        clock.set("-200d")
        assert daemon.https[0].certificate() == site.leaf
        clock.set("+0")
        daemon.reload()  # what the look once a minute would do
        wait_until_served(daemon.https[0], renewed, timeout=10)
    assert load.failures == [] and load.served > 0


# Signals


def test_sighup_by_the_hundred(start, tmp_path):
    text = 'listen_http = {{ "127.0.0.1:0" }}\ndomain "example.com" {{ server = "m{}.example:1" }}\n'
    daemon = start.configured(text.format(0))
    descriptors = daemon.descriptor_count()
    with Load(*daemon.http) as load:
        for number in range(1, 501):
            beside = tmp_path / "new.conf"
            beside.write_text(text.format(number))
            beside.rename(daemon.configuration)
            daemon.reload()
        eventually(
            lambda: daemon.http[0].get().json == {"m.server": "m500.example:1"}, "the last settings"
        )
    assert load.failures == []
    assert "not reloaded" not in daemon.log
    eventually(lambda: daemon.descriptor_count() <= descriptors + 2, "no descriptor left behind")


def test_sigkill_at_any_moment_followed_by_a_start(start, site, tmp_path):
    path = tmp_path / "plain.sock"
    port = free_port()
    line = (*SERVER_OPTION, *site.options(tmp_path), "--listen", f"127.0.0.1:{port}")
    line += ("--listen-http", f"unix:{path}")
    moments = random.Random(4)
    for number in range(40):
        daemon = start.without_waiting(*line)
        time.sleep(moments.uniform(0, 0.08))
        if number % 3 == 0 and daemon.process.poll() is None and "ready" in daemon.log:
            daemon.reload()
            time.sleep(moments.uniform(0, 0.01))
        assert daemon.process.poll() is None, daemon.log
        daemon.kill()
    daemon = start(*line)
    assert daemon.https[0].serves() and daemon.endpoint(path).serves()


@pytest.mark.parametrize("secure", (False, True), ids=("plain", "https"))
def test_no_connection_fails_over_50_restarts_under_socket_activation(
    start, site, tmp_path, secure
):
    names = "https" if secure else "http"
    line = (*SERVER_OPTION, *(site.options(tmp_path) if secure else ()))
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        daemon = start(*line, **handing_over(server, names=names))
        with Load(*getattr(daemon, names)) as load:
            for _ in range(50):
                daemon.stop()
                daemon = start(*line, **handing_over(server, names=names))
        assert load.failures == []
        assert load.served >= 50


def test_after_each_of_50_sigkills_under_socket_activation_the_next_attempt_works(
    start, site, tmp_path
):
    """SIGKILL loses the connections that had been accepted, and no others."""
    line = (*SERVER_OPTION, *site.options(tmp_path))
    clients = 2
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        daemon = start(*line, **handing_over(server, names="https"))
        with Load(*daemon.https, clients=clients) as load:
            for _ in range(50):
                daemon.kill()
                daemon = start(*line, **handing_over(server, names="https"))
                assert daemon.https[0].get().status == 200
        assert len(load.failures) <= 50 * clients
        assert load.served > len(load.failures)


# No IPv6


@pytest.mark.skipif(not kernel.SUPPORTED, reason="written for x86-64 and AArch64 only")
def test_on_a_kernel_without_ipv6_the_default_address_is_ipv4s(start, site, tmp_path):
    line = (*SERVER_OPTION, *site.options(tmp_path), "--listen", f"[::]:{free_port()}")
    daemon = start(*line, **kernel.without_ipv6())
    daemon.wait_for_log("warning: .*no IPv6")
    assert daemon.https[0].host == "127.0.0.1"
    assert daemon.https[0].serves()
    mark = len(daemon.log)
    daemon.reload()
    daemon.wait_for_log("ready", after=mark)
    assert daemon.https[0].serves()


def has_network_namespaces():
    return os.geteuid() == 0 and all(map(shutil.which, ("unshare", "nsenter", "ip", "curl")))


@pytest.mark.skipif(not has_network_namespaces(), reason="needs root, iproute2 and curl")
def test_with_ipv6_disabled_the_default_address_serves_ipv4(start, site, tmp_path):
    script = (
        "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; "
        "echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6; exec \"$@\""
    )
    line = (*SERVER_OPTION, *site.options(tmp_path))  # port 443: the namespace is empty
    daemon = start(*line, starter=["unshare", "--net", "sh", "-c", script, "sh"])
    asked = subprocess.run(
        ["nsenter", f"--net=/proc/{daemon.pid}/ns/net", "curl", "-ksS", "--max-time", "10",
         "https://127.0.0.1/.well-known/matrix/server"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "m.server" in asked.stdout, asked.stderr
