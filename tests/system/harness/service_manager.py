"""What systemd does for a service: sockets handed over, and a datagram socket for its news."""

import os
import socket
import sys
from pathlib import Path

from .waiting import scaled

HAND_OVER = """
import os, sys
names, count, pid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["LISTEN_FDS"] = str(count)
os.environ["LISTEN_PID"] = pid or str(os.getpid())
if names != "-":
    os.environ["LISTEN_FDNAMES"] = names
sources = [os.dup(int(number)) for number in sys.argv[4].split(",")]
high = [os.dup2(source, 100 + index) for index, source in enumerate(sources)]
for index, descriptor in enumerate(high):
    os.dup2(descriptor, 3 + index, inheritable=True)
os.execv(sys.argv[5], sys.argv[5:])
"""


def handing_over(*files, names="-", count=None, pid=""):
    """Details for Starter: the daemon is started with these sockets from descriptor 3 on.

    `names` is LISTEN_FDNAMES ("-" for none), `count` and `pid` what LISTEN_FDS and LISTEN_PID say
    if not the truth.
    """
    numbers = [file.fileno() for file in files]
    count = len(files) if count is None else count
    arguments = [names, count, pid, ",".join(map(str, numbers))]
    return {"starter": [sys.executable, "-c", HAND_OVER, *arguments], "pass_fds": numbers}


class NotifySocket:
    """Where a service sends READY=1 and the like; `address` may be abstract (`@name`)."""

    def __init__(self, address):
        self.address = str(address)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address.replace("@", "\0", 1))
        self.socket.settimeout(scaled(10))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        if not self.address.startswith("@"):
            Path(self.address).unlink()

    @property
    def environment(self):
        return {"NOTIFY_SOCKET": self.address}

    def receive(self):
        """The next datagram, as a dictionary of its assignments."""
        text = self.socket.recv(65536).decode()
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait_for(self, key):
        """The next datagram that assigns `key`."""
        while key not in (news := self.receive()):
            pass
        return news

    def nothing_more(self):
        self.socket.setblocking(False)
        try:
            return self.socket.recv(65536)
        except BlockingIOError:
            return None
        finally:
            self.socket.settimeout(scaled(10))


def journal_of(file):
    """The variable by which a service learns that this file, its standard error, is the journal."""
    status = os.fstat(file.fileno())
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
