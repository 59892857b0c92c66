"""container/compose.yaml, by Compose's own judgement and against what the image is."""

import os
import re
import subprocess

import pytest
import yaml
from harness.daemon import PROJECT, environment_of, free_port
from harness.peers import PEERS, find, libraries, missing
from harness.waiting import scaled

COMPOSE = PROJECT / "container" / "compose.yaml"
CONTAINERFILE = (PROJECT / "container" / "Containerfile").read_text()
SECRETS = {"ACME_EMAIL": "admin@example.com", "POSTGRES_PASSWORD": "secret"}


def configuration(tmp_path, **variables):
    """Runs `docker-compose config`."""
    program = find("docker-compose") or pytest.skip(missing("docker-compose"))
    return subprocess.run(
        [program, "--file", COMPOSE, "config"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LD_LIBRARY_PATH": libraries(),
            "PYTHONPATH": str(PEERS / "usr" / "lib" / "python3" / "dist-packages"),
            **variables,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=scaled(60),
        check=False,
    )


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The services, as Compose understands them."""
    result = configuration(tmp_path_factory.mktemp("compose"), **SECRETS)
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr, result.stderr
    return yaml.safe_load(result.stdout)["services"]


def test_compose_accepts_it(services):
    assert {"matrix-wellknownd", "traefik", "dendrite"} <= set(services)


def test_a_missing_secret_is_named(tmp_path):
    result = configuration(tmp_path, ACME_EMAIL="admin@example.com")
    assert result.returncode != 0 and "POSTGRES_PASSWORD" in result.stderr


def test_the_daemon_accepts_its_settings(services, start):
    settings = services["matrix-wellknownd"]["environment"]
    port = free_port()
    variables = {**settings, "MATRIX_WELLKNOWND_LISTEN_HTTP": f"127.0.0.1:{port}"}
    daemon = start(environment=environment_of(variables))
    # What others are told is where Traefik leads to the homeserver.
    server = daemon.http[0].get().json["m.server"]
    assert f"Host(`{server.removesuffix(':443')}`)" == services["dendrite"]["labels"][
        "traefik.http.routers.dendrite.rule"
    ]


def test_traefik_is_led_to_the_port_that_the_image_listens_on(services):
    labels = services["matrix-wellknownd"]["labels"]
    port = labels["traefik.http.services.matrix-wellknownd.loadbalancer.server.port"]
    assert f"MATRIX_WELLKNOWND_LISTEN_HTTP=[::]:{port}" in CONTAINERFILE
    rule = labels["traefik.http.routers.matrix-wellknownd.rule"]
    assert re.fullmatch(r"Host\(`[\w.]+`\) && PathPrefix\(`/\.well-known/matrix/`\)", rule)
    arguments = services["traefik"]["command"]
    for label, option in (
        ("entrypoints", "entryPoints"),
        ("tls.certresolver", "certificatesResolvers"),
    ):
        name = labels[f"traefik.http.routers.matrix-wellknownd.{label}"]
        assert any(argument.startswith(f"--{option}.{name}.") for argument in arguments), name


def test_the_daemon_gets_no_right_that_it_does_not_need(services):
    service = services["matrix-wellknownd"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"ports", "volumes", "privileged", "user"} & set(service)
