"""What matrix-wellknownd-acme leaves on the disk, whatever happens to it or to the disk."""

import os
import signal
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from harness.waiting import eventually, scaled
from obstacles import HANG

PAGE = 4096


def belongs_together(apex):
    """Whether certificate and key are whole and a pair."""
    certificate, key = (file.read_bytes() for file in apex.pair())
    public = load_pem_private_key(key, None).public_key().public_numbers()
    return x509.load_pem_x509_certificate(certificate).public_key().public_numbers() == public


def generations(apex):
    """The folders with a pair, of which one is in use."""
    return [folder for folder in (apex.state / "certificates").glob(".*") if folder.is_dir()]


@pytest.fixture
def small_disk(apex):
    """A daemon with a certificate on a file system of its own; `fill(pages)` leaves so many free."""
    apex.state.mkdir()
    size = 256 * PAGE
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", apex.state], check=True
    )
    filler = apex.state / "filler"

    def fill(pages):
        filler.unlink(missing_ok=True)
        free = os.statvfs(apex.state)
        if pages is not None:
            filler.write_bytes(b"x" * ((free.f_bavail - pages) * free.f_frsize))

    apex.fill = fill
    try:
        apex.serve_ours()
        apex.tool("enable", "example.com")
        apex.wait_until_served()
        yield apex
        apex.daemon.stop()
    finally:
        subprocess.run(["umount", "--lazy", apex.state], check=True)


def test_a_disk_that_is_full_at_any_moment_leaves_the_old_pair_whole(small_disk):
    failed = pages = 0
    while True:
        before = small_disk.written_leaf()
        small_disk.fill(pages)
        result = small_disk.tool("renew", "--force", check=False)
        small_disk.fill(None)
        assert belongs_together(small_disk), f"with {pages} pages free"
        assert len(generations(small_disk)) == 1
        assert not list(small_disk.state.glob("acme/work.*"))
        if result.returncode == 0:
            break
        failed += 1
        assert "no new certificate: " in result.stdout
        assert small_disk.written_leaf() == before
        pages += 1
    assert failed > 2
    assert small_disk.written_leaf() != before
    small_disk.wait_until_served()


def test_the_pair_is_replaced_as_one_and_no_old_key_is_left(enabled):
    link = enabled.state / "certificates/example.com"
    for _ in range(2):
        assert link.is_symlink() and belongs_together(enabled)
        assert [folder.name for folder in generations(enabled)] == [os.readlink(link)]
        enabled.tool("renew", "--force")


def test_a_second_renewal_at_the_same_time_leaves_it_to_the_first(obstructed, obstacles):
    obstacles.obstacles["/order-plz"] = HANG
    before = obstructed.written_leaf()
    first = obstructed.start_tool("renew", "--force")
    eventually(lambda: "/order-plz" in obstacles.seen[-1], "the first renewal")
    orders = len(obstacles.seen)
    second = obstructed.tool("renew", "--force")
    assert "another one is at work" in second.stdout
    assert len(obstacles.seen) == orders
    obstacles.obstacles.clear()
    assert first.wait(scaled(30)) == 0
    assert obstructed.written_leaf() != before


def test_an_enabling_during_a_renewal_waits_for_it(obstructed, obstacles):
    obstacles.obstacles["/order-plz"] = HANG
    first = obstructed.start_tool("renew", "--force")
    eventually(lambda: "/order-plz" in obstacles.seen[-1], "the renewal")
    second = obstructed.start_tool("enable", directory=obstacles.directory)
    assert "waiting for it" in second.stdout.readline()
    assert second.poll() is None
    obstacles.obstacles.clear()
    assert first.wait(scaled(30)) == 0
    assert second.wait(scaled(30)) == 0


@pytest.mark.parametrize("how", (signal.SIGKILL, signal.SIGTERM), ids=("killed", "terminated"))
def test_a_run_that_is_cut_short_hinders_nobody(apex, obstacles, how):
    apex.serve_ours()
    obstacles.obstacles["/chalZ/"] = HANG
    process = apex.start_tool("enable", "example.com", directory=obstacles.directory)
    eventually(lambda: list(apex.challenges.glob("*.crt.pem")), "the challenge")
    os.killpg(process.pid, how)
    process.wait(scaled(30))
    assert not apex.contents() or how == signal.SIGKILL
    obstacles.obstacles.clear()
    apex.tool("enable", "example.com", directory=obstacles.directory)
    assert list(apex.challenges.iterdir()) == []
    assert not list(apex.state.glob("acme/work.*"))
    apex.wait_until_served()
