"""Certificate files that never come to rest: what one domain's owner does to them costs little, and
the renewals of the others are seen all the same."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from harness.certificates import RenamedOver
from harness.waiting import eventually
from harness.wire import trusting_anyone

CHANGES_LIMIT = 100  # a minute, that are followed at once


@pytest.fixture
def two(start, authority, tmp_path):
    """A daemon with two domains; the files of "calm.example" and of "busy.example"."""
    text, files = 'listen = { "127.0.0.1:0" }\n', []
    for name in ("calm", "busy"):
        (tmp_path / name).mkdir()
        files.append(RenamedOver(tmp_path / name, authority.issue(f"{name}.example")))
        text += (
            f'domain "{name}.example" {{ server = "m.example:1"\n'
            f'certificate = "{files[-1].certificate}"\nkey = "{files[-1].key}" }}\n'
        )
    return start.configured(text), *files


class Busy:
    """Touches a file again as soon as the last time was noticed, or after a second at most."""

    def __init__(self, daemon, file):
        self.daemon, self.file = daemon, file
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._touch)

    def noticed(self):
        return self.daemon.log.count("busy/site.pem: new certificate in use")

    def _touch(self):
        while not self.ended.wait(0.01):
            before, end = self.noticed(), time.monotonic() + 1
            os.utime(self.file)
            while self.noticed() == before and time.monotonic() < end:
                self.ended.wait(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def wait_until_served(daemon, name, pair):
    eventually(
        lambda: daemon.https[0].certificate(name, trusting_anyone()) == pair.leaf,
        "the new certificate to be served",
        timeout=2,
    )


def test_files_that_change_all_the_time_are_left_to_the_clock(two, authority):
    daemon, calm, busy = two
    renewed = authority.issue("calm.example")
    with Busy(daemon, busy.certificate) as touching:
        daemon.wait_for_log(f"busy/site.pem: .*changed {CHANGES_LIMIT} times", timeout=60)
        calm.replace(renewed)
        wait_until_served(daemon, "calm.example", renewed)
        after = len(daemon.log)
        time.sleep(3)
    assert "busy/site" not in daemon.log[after:]
    assert touching.noticed() <= CHANGES_LIMIT + 2, "the clock's look may fall into this time"


# Entries of no certificate come and go, as fast as one process can.
FLOOD = """
import os, sys
path = os.path.join(sys.argv[1], "other")
print(flush=True)
while True:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    os.unlink(path)
"""


def wake_ups(daemon):
    """How often the main thread has waited."""
    text = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.MULTILINE)[1])


def test_a_flood_of_events_wakes_the_main_thread_ten_times_a_second(two, authority):
    daemon, calm, busy = two
    line = [sys.executable, "-c", FLOOD, busy.certificate.parent]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as flood:
        try:
            flood.stdout.readline()
            before, begin = wake_ups(daemon), time.monotonic()
            time.sleep(2)
            rate = (wake_ups(daemon) - before) / (time.monotonic() - begin)
            for files, name in ((calm, "calm.example"), (busy, "busy.example")):
                renewed = authority.issue(name)
                files.replace(renewed)
                wait_until_served(daemon, name, renewed)
            at = len(daemon.log)
            daemon.reload()
            daemon.wait_for_log("ready", at)
        finally:
            flood.kill()
    assert rate < 30, "10 rounds a second are asked for"


def watches(daemon):
    """How many inotify watches the daemon holds."""
    folder = Path(f"/proc/{daemon.pid}/fdinfo")
    return sum(file.read_text().count("inotify wd:") for file in folder.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look into the daemon")
def test_a_link_that_leads_to_ever_new_directories_leaves_no_watches(start, authority, tmp_path):
    pair = authority.issue("example.com")

    def lead_to(number):
        (tmp_path / str(number)).mkdir()
        pair.write(tmp_path / str(number))
        (tmp_path / "new").symlink_to(str(number))
        (tmp_path / "new").rename(tmp_path / "link")

    lead_to(0)
    link = tmp_path / "link"
    daemon = start(
        *("--server", "m.example:1", "--listen", "127.0.0.1:0"),
        *("--certificate", link / "site.pem", "--key", link / "site.key"),
    )
    most = 0
    for number in range(1, 60):
        before = len(daemon.log)
        lead_to(number)
        daemon.wait_for_log("new certificate in use", before)
        most = max(most, watches(daemon))
    assert most < 50
    assert watches(daemon) < most, "those of old directories are got rid of"
