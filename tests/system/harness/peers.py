"""Programs that tests need beside the daemon: installed, or unpacked."""

import os
import shutil
from pathlib import Path

from .daemon import PROJECT

# Where tests/system/install-peers has unpacked what packages.txt names.
PEERS = Path(os.environ.get("PEERS", PROJECT / "build" / "peers")).absolute()


def find(program):
    """The path of a program, or None."""
    folders = [*(str(PEERS / "usr" / name) for name in ("bin", "sbin")), "/usr/sbin", "/sbin"]
    path = os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), *folders])
    return shutil.which(program, path=path)


def missing(program):
    """Why a test is skipped."""
    return f"{program} is not there: run tests/system/install-peers {PEERS}"


def libraries():
    """LD_LIBRARY_PATH for an unpacked program."""
    return os.pathsep.join(sorted({str(file.parent) for file in PEERS.glob("usr/lib/*/*.so*")}))
