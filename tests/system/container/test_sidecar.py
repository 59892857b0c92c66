"""The image's files run as a container: read-only, its own user, no capability, little memory."""

import re
from pathlib import Path

from harness.certificates import KubernetesSecret
from harness.load import Load
from harness.waiting import eventually, scaled
from harness.wire import CLIENT, trusting_anyone
from image import MEBIBYTE, memory_group

SETTINGS = {
    "MATRIX_WELLKNOWND_SERVER": "matrix.example.com:443",
    "MATRIX_WELLKNOWND_CLIENT": "https://matrix.example.com",
}
SECRET = "/etc/matrix-wellknownd/tls"
HTTPS_SETTINGS = {
    **SETTINGS,
    "MATRIX_WELLKNOWND_LISTEN": "[::]:8443",
    "MATRIX_WELLKNOWND_CERTIFICATE": f"{SECRET}/tls.crt",
    "MATRIX_WELLKNOWND_KEY": f"{SECRET}/tls.key",
    "MATRIX_WELLKNOWND_LISTEN_HTTP": "",
}


def test_environment_variables_alone_make_it_serve(container):
    running = container(environment=SETTINGS)
    assert running.http[0].port == 8080
    with running.network():
        assert running.http[0].get().json == {"m.server": "matrix.example.com:443"}
        document = running.http[0].get(CLIENT).json
    assert document == {"m.homeserver": {"base_url": "https://matrix.example.com"}}


def test_it_runs_as_its_own_user_without_any_capability(container):
    running = container(environment=SETTINGS)
    assert running.status("Uid").split() == ["65532"] * 4
    assert running.status("Gid").split() == ["65532"] * 4
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(running.status(name), 16) == 0, name
    assert running.status("NoNewPrivs") == "1"
    assert running.status("NSpid").split()[-1] == "1"


def test_its_root_is_read_only(container):
    running = container(environment=SETTINGS)
    (root,) = re.findall(r"^\S+ \S+ \S+ \S+ / (\S+)", mounts_of(running), re.MULTILINE)
    assert "ro" in root.split(",")


def mounts_of(running):
    return Path(f"/proc/{running.pid}/mountinfo").read_text()


def test_16_mebibytes_are_enough_under_load(container):
    with memory_group(16 * MEBIBYTE) as group:
        running = container(environment=SETTINGS, memory_group=group)
        with running.network(), Load(*running.http, clients=8) as load:
            eventually(lambda: load.served > 2000, "2000 requests to be served", 30)
            assert running.is_healthy()
        assert load.failures == []
        assert int(running.status("VmHWM").split()[0]) * 1024 < 16 * MEBIBYTE
        running.stop()


def test_sigterm_stops_it_at_once_with_status_0(container):
    running = container(environment=SETTINGS)
    with running.network():
        # An idle connection does not hold it up.
        with running.http[0].connect() as connection:
            connection.request()
            running.process.terminate()
            assert running.process.wait(scaled(1)) == 0


def test_without_a_server_name_it_ends_with_one_clear_line(image):
    result = image.run()
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("matrix-wellknownd: no server name: ")


def test_a_wrong_setting_ends_it_with_the_name_of_the_variable(image):
    result = image.run(environment={"MATRIX_WELLKNOWND_SERVER": "https://matrix.example.com"})
    assert result.returncode != 0
    (line,) = result.stderr.splitlines()
    assert "MATRIX_WELLKNOWND_SERVER" in line


def test_the_health_check_tells_whether_it_answers(container, image):
    running = container(environment=SETTINGS)
    assert running.is_healthy()
    alone = image.run("--health-check", environment=SETTINGS)
    assert alone.returncode == 1


def test_a_mounted_file_and_the_environment_together(container, tmp_path):
    folder = tmp_path / "configuration"
    folder.mkdir()
    (folder / "matrix-wellknownd.conf").write_text(
        'domain "example.com" { server = "one.example:443" }\n'
        'domain "example.org" { server = "two.example:443" }\n'
    )
    running = container(
        environment={"MATRIX_WELLKNOWND_MAX_AGE": "77"},
        mounts=[(folder, "/etc/matrix-wellknownd")],
    )
    with running.network():
        one = running.http[0].get()
        two = running.http[0].get(host="example.org")
    assert one.json == {"m.server": "one.example:443"} and "max-age=77" in one["Cache-Control"]
    assert two.json == {"m.server": "two.example:443"}


def test_a_renewed_secret_is_served_within_2_seconds_and_fails_no_request(
    container, authority, site, tmp_path
):
    secret = KubernetesSecret(tmp_path, site)
    running = container(environment=HTTPS_SETTINGS, mounts=[(secret.mount, SECRET)])
    assert [endpoint.port for endpoint in running.https] == [8443] and not running.http
    with running.network(), Load(running.https[0]) as load:
        for _ in range(3):
            renewed = authority.issue("example.com")
            secret.replace(renewed)
            eventually(
                lambda leaf=renewed.leaf: served_certificate(running) == leaf,
                "the renewed certificate",
                timeout=2,
            )
    assert load.failures == []
    assert load.served > 10


def served_certificate(running):
    return running.https[0].certificate(tls=trusting_anyone())


def test_https_is_healthy_too(container, site, tmp_path):
    secret = KubernetesSecret(tmp_path, site)
    running = container(environment=HTTPS_SETTINGS, mounts=[(secret.mount, SECRET)])
    assert running.is_healthy()
