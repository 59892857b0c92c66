"""What the files of one domain may cost a start or a reload: none of them holds it up."""

import json
import os

import pytest
from harness.daemon import run

MANY_FILES = 200_000


def nested(depth):
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


def pipe(file):
    os.mkfifo(file)


def endless(file):
    file.symlink_to("/dev/zero")


def sparse(file):
    with file.open("wb") as made:
        made.truncate(1 << 40)


BAD_EXTRAS = {
    "a pipe": (pipe, "is a pipe"),
    "a terabyte of nothing": (sparse, "the limit is"),
    "64 KiB and one": (lambda file: file.write_text(json.dumps({"a": "b" * 65528})), "65537 bytes"),
    "33 levels": (lambda file: file.write_text(nested(33)), "32 levels"),
    "a link to itself": (lambda file: file.symlink_to(file.name), "symbolic links"),
}


@pytest.fixture
def served(start, tmp_path):
    """A daemon with a domain in a file of its own, which has a client_extra."""
    (tmp_path / "domains.d").mkdir()
    (tmp_path / "domains.d" / "a.conf").write_text(
        'domain "a.example" { server = "a.example:1" client = "https://a.example"\n'
        'client_extra = "a.json" }\n'
    )
    (tmp_path / "domains.d" / "a.json").write_text("{}")
    return start.configured(
        'listen_http = { "127.0.0.1:0" }\n'
        'domain "example.com" { server = "m.example:1" }\ndomains_dir = "domains.d"\n'
    )


def assert_not_reloaded(daemon, reason):
    before = len(daemon.log)
    daemon.reload()
    daemon.wait_for_log("not reloaded", before)
    assert reason in daemon.log[before:]
    assert daemon.http[0].get().status == 200
    assert daemon.http[0].get(host="a.example").status == 200


@pytest.mark.parametrize("kind", BAD_EXTRAS)
def test_a_client_extra_that_is_out_of_bounds_is_refused(served, tmp_path, kind):
    make, reason = BAD_EXTRAS[kind]
    file = tmp_path / "domains.d" / "a.json"
    file.unlink()
    make(file)
    assert_not_reloaded(served, reason)


@pytest.mark.parametrize(
    "text",
    (nested(32), json.dumps({"a": "b" * 65527}), json.dumps({str(n): 0 for n in range(6000)})),
    ids=("32 levels", "64 KiB", "6000 members"),
)
def test_a_client_extra_within_the_bounds_is_served(served, tmp_path, text):
    (tmp_path / "domains.d" / "a.json").write_text(text)
    before = len(served.log)
    served.reload()
    served.wait_for_log("^ready", before)
    answer = served.http[0].get("/.well-known/matrix/client", host="a.example")
    assert set(json.loads(text)) <= set(answer.json)


def test_a_pipe_in_domains_dir_is_left_out(served, tmp_path):
    pipe(tmp_path / "domains.d" / "b.conf")
    before = len(served.log)
    served.reload()
    served.wait_for_log("^ready", before)
    assert served.http[0].get(host="a.example").status == 200


def test_endless_devices_do_not_hold_up_a_start(served, tmp_path):
    endless(tmp_path / "domains.d" / "b.conf")
    assert run("--config", served.configuration, "--test").returncode == 0
    (tmp_path / "domains.d" / "a.json").unlink()
    endless(tmp_path / "domains.d" / "a.json")
    refused = run("--config", served.configuration, "--test")
    assert refused.returncode == 1 and "is a device" in refused.stderr


def test_a_large_file_of_domains_dir_is_refused(served, tmp_path):
    sparse(tmp_path / "domains.d" / "b.conf")
    assert_not_reloaded(served, "is larger than 16 MiB")


@pytest.mark.soak
def test_a_domains_dir_with_too_many_files_is_refused(tmp_path):
    (tmp_path / "domains.d").mkdir()
    for number in range(MANY_FILES + 1):
        os.mknod(tmp_path / "domains.d" / f"{number}.conf")
    (tmp_path / "test.conf").write_text('domains_dir = "domains.d"\n')
    refused = run("--config", tmp_path / "test.conf", "--test")
    assert refused.returncode == 1
    assert f"domains_dir: {tmp_path}/domains.d has {MANY_FILES + 1} files" in (
        refused.stderr
    )
