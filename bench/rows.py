"""What is measured: one function for each group of rows of the table. Each returns rows:

{"row", "what", "unit", "values": {name: [one a round]},
 "figures": [{"what", "values": [one a round], "target", "unit"}], "note"}"""

import contextlib
import random
import ssl
import socket
import statistics
import subprocess
import time
from pathlib import Path

import certificates
import load
import process
from load import Client, Idle, check, cpu_of
from renewal import Opened
from servers import ALL, PEERS, Nginx, Ours


class Plan:
    """How much of everything: all of it, or just enough to see that it works."""

    def __init__(self, build, smoke):
        self.work = build / "bench" / "work"
        self.floor = build / "bench" / "floor"
        self.smoke = smoke
        self.rounds = 1 if smoke else 5
        self.slow_rounds = 1 if smoke else 5
        self.seconds = 1
        self.floor_handshakes = 200 if smoke else 3000
        self.domains = 100 if smoke else 10000
        self.plain_domains = 500 if smoke else 100000
        self.idle = 100 if smoke else 5000
        self.requests = 500 if smoke else 3000

    def folder(self, name):
        return self.work / name


def row(number, what, unit, values, figures=(), note=""):
    return {
        "row": number,
        "what": what,
        "unit": unit,
        "values": values,
        "figures": list(figures),
        "note": note,
    }


def figure(what, values, target=None, unit=""):
    return {"what": what, "values": values, "target": target, "unit": unit}


def ratio(what, ours, theirs, target=None):
    return figure(what, [a / b for a, b in zip(ours, theirs)], target)


def ratios(values, targets):
    """Ours to each other server, round by round."""
    ours = values[Ours.name]
    return [
        ratio(f"of {name}", ours, theirs, targets.get(name))
        for name, theirs in values.items()
        if name != Ours.name and len(theirs) == len(ours)
    ]


@contextlib.contextmanager
def running(servers, *options):
    """Started and answering; stopped at the end, come what may."""
    try:
        for server in servers:
            Client.start_until_first_answer(server, *options)
        yield servers
    finally:
        for server in servers:
            server.stop()


def in_turns(rounds, measures):
    """Calls each of {name: function} in turns, A B C A B C …; all results by name."""
    values = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            values[name].append(measure())
        print(f"  round {number + 1} of {rounds}", flush=True)
    return values


def for_each(servers, measure):
    return {server.name: (lambda server=server: measure(server)) for server in servers}


def full(plan):
    return lambda server: cpu_of(server, lambda: load.s_time(server, "new", plan.seconds))


def resumed(plan):
    return lambda server: cpu_of(server, lambda: load.s_time(server, "reuse", plan.seconds))


def kept(plan, plain):
    return lambda server: cpu_of(server, lambda: load.wrk(server, plain, plan.seconds))


def check_all(servers):
    """All must answer the same before anything is measured."""
    chain = (servers[0].pair / "fullchain.pem").read_text()
    reference = ssl.PEM_cert_to_DER_cert(chain)
    return {server.name: load.check_same(server, reference) for server in servers}


class Floor:
    """bench/floor accept, seen as a server."""

    name = "accept, read, write, close"

    def __init__(self, plan):
        self.program = plan.floor
        self.count = plan.requests

    def __enter__(self):
        with process.on_cores(process.SERVER_CORES):
            self.child = subprocess.Popen(
                [self.program, "accept"], stdout=subprocess.PIPE, text=True
            )
        self.port = self.plain_port = int(self.child.stdout.readline())
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def cost(self):
        before = process.cpu_time([self.child.pid])
        result = Client.load(self, "--count", self.count, plain=True)
        return (process.cpu_time([self.child.pid]) - before) / 1000 / result["right"]


def handshake_in_memory(plan, pair, *pause):
    with process.on_cores(process.SERVER_CORES):
        command = [plan.floor, "handshake", pair / "fullchain.pem", pair / "privkey.pem"]
        return int(load.run([*command, plan.floor_handshakes, *pause])) / 1000


def requests(plan):
    """Rows 1 to 5: CPU a request."""
    pair = certificates.pair(plan.work)
    servers = [kind(plan.folder(kind.name), pair) for kind in ALL]
    with running(servers[:1]):
        _, _, _ = load.get(servers[0], load.tls_context())
        etag = load.check_same(
            servers[0], ssl.PEM_cert_to_DER_cert((pair / "fullchain.pem").read_text())
        )["etag"]
    for server in servers[1:]:
        server.etag = etag
    with running(servers), Floor(plan) as floor:
        same = check_all(servers)
        print("full handshakes, and the floor")
        measures = for_each(servers, full(plan))
        measures["handshake in memory"] = lambda: handshake_in_memory(plan, pair)
        # About what openssl s_time takes for its turns.
        measures["asleep before each turn"] = lambda: handshake_in_memory(plan, pair, 300)
        measures[floor.name] = floor.cost
        values = in_turns(plan.rounds, measures)
        memory_part, bare = values.pop("handshake in memory"), values.pop(floor.name)
        waiting = values.pop("asleep before each turn")
        sums = [a + b for a, b in zip(memory_part, bare)]
        waiting_sums = [a + b for a, b in zip(waiting, bare)]
        rows = [
            row(
                "1",
                "CPU of a full TLS 1.3 handshake, GET, close",
                "µs",
                values,
                ratios(values, {"nginx": 0.60, "lighttpd": 0.75, "haproxy": 0.60, "caddy": 0.60}),
            ),
            row(
                "2",
                "the same over the floor",
                "µs",
                {
                    Ours.name: values[Ours.name],
                    "handshake in memory": memory_part,
                    "handshake in memory, asleep before each turn": waiting,
                    floor.name: bare,
                },
                [
                    ratio("of the floor", values[Ours.name], sums, 1.35),
                    ratio("of a floor that waits for its client", values[Ours.name], waiting_sums),
                ],
            ),
        ]
        print("resumed handshakes")
        values = in_turns(plan.rounds, for_each(servers, resumed(plan)))
        rows.append(
            row("3", "CPU of a resumed handshake, GET, close", "µs", values,
                ratios(values, {"nginx": 0.70}))
        )
        print("kept TLS connections")
        values = in_turns(plan.rounds, for_each(servers, kept(plan, False)))
        rows.append(
            row("4", "CPU of a GET on one of 64 kept TLS connections", "µs", values,
                ratios(values, {"nginx": 1.00}))
        )
        print("kept plain connections")
        values = in_turns(plan.rounds, for_each(servers, kept(plan, True)))
        rows.append(
            row("5", "CPU of a plain-HTTP GET on one of 64 kept connections", "µs", values,
                ratios(values, {"nginx": 1.00}))
        )
    return rows, same


def alone(plan):
    """Rows 6 and 7: each by itself, for libraries that two servers share count half."""
    print("start and memory, each alone")
    pair = certificates.pair(plan.work)
    memory = {kind.name: [] for kind in ALL}
    start = {kind.name: [] for kind in ALL}
    for _ in range(plan.rounds):
        for kind in ALL:
            server = kind(plan.folder(kind.name), pair)
            start[kind.name].append(Client.start_until_first_answer(server) * 1000)
            try:
                load.wait_quiet(server)
                memory[kind.name].append(server.process.memory() / 1e6)
            finally:
                server.stop()
    return [
        row("6", "resident memory idle, one domain (PSS of all processes)", "MB", memory,
            ratios(memory, {"nginx": 0.30})),
        row("7", "from exec to the first right answer over HTTPS", "ms", start,
            ratios(start, {"nginx": 0.60})),
    ]


class NginxByVariable(Nginx):
    """nginx that reads a certificate from the disk in each handshake: its way not to hold all."""

    name = "nginx, $ssl_server_name"
    program = Nginx.program

    def sites(self):
        return self.site("_", self.tree / "live" / "$ssl_server_name", True)


def own_certificates(plan):
    """Rows 8 to 10: many domains, each with its own certificate."""
    print(f"{plan.domains} domains with certificates", flush=True)
    tree = certificates.tree_with_certificates(plan.work, plan.domains)
    name = certificates.TREE_NAME.format(plan.domains // 2)
    kinds = [Ours, Nginx, NginxByVariable]
    start = {kind.name: [] for kind in kinds}
    memory = {kind.name: [] for kind in kinds}
    settled = 0.0
    for number in range(plan.slow_rounds):
        for kind in kinds:
            server = kind(plan.folder(kind.__name__ + "-tree"), None, tree=tree)
            start[kind.name].append(Client.start_until_first_answer(server, "--name", name))
            try:
                time.sleep(0.5)
                memory[kind.name].append(server.process.memory() / 1e6)
                if kind is Ours and number + 1 == plan.slow_rounds:
                    load.wait_quiet(server, window=1)
                    settled = server.process.memory() / 1e6
            finally:
                server.stop()
        print(f"  round {number + 1} of {plan.slow_rounds}", flush=True)
    rows = [
        row("8", f"{plan.domains:,} domains, each with its certificate: until ready", "s", start,
            ratios(start, {"nginx": 0.10})),
        row("8", f"{plan.domains:,} domains, each with its certificate: resident memory", "MB",
            memory,
            [*ratios(memory, {"nginx": 0.15}),
             figure("when all have been checked in the background", [settled], None, "MB")]),
    ]
    return rows + many_names(plan, tree, name) + renewal(plan, tree)


def many_names(plan, tree, name):
    print("a random one of them")
    one = Ours(plan.folder("one"), certificates.pair(plan.work))
    many = Ours(plan.folder("many"), None, tree=tree)
    lazy = NginxByVariable(plan.folder("many-nginx"), None, tree=tree)
    labels = ["one domain", f"a random one of {plan.domains:,}", lazy.name]
    with running([one]), running([many, lazy], "--name", name):
        Client.load(many, "--names", plan.domains, "--count", 3 * plan.domains)
        draw = ["--names", plan.domains, "--count", plan.requests]

        def cost(server, options):
            return cpu_of(server, lambda: Client.load(server, *options)["right"])

        values = in_turns(
            plan.rounds,
            {
                labels[0]: lambda: cost(one, ["--count", plan.requests]),
                labels[1]: lambda: cost(many, draw),
                labels[2]: lambda: cost(lazy, draw),
            },
        )
        warm = many.process.memory() / 1e6
    return [
        row("9", "case 1 for a random one of these domains, warm", "µs", values,
            [ratio("of case 1", values[labels[1]], values[labels[0]], 1.15),
             figure("resident memory then", [warm], None, "MB")])
    ]


def served_certificate(server, name):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        with load.tls_context().wrap_socket(raw, server_hostname=name) as peer:
            return peer.getpeercert(True)


def renewal(plan, tree):
    print("a renewal")
    cost, others = [], []
    names = random.sample(range(plan.domains), plan.slow_rounds)
    server = Ours(plan.folder("renewal"), None, tree=tree)
    with running([server], "--name", certificates.TREE_NAME.format(0)):
        load.wait_quiet(server, window=1)
        opened = Opened([tree / "domains.d", *(tree / "live").iterdir()])
        for name in map(certificates.TREE_NAME.format, names):
            old = served_certificate(server, name)
            opened.files()
            before = server.process.cpu()
            certificates.write_pair(tree / "live" / name, name)
            time.sleep(2)
            new = served_certificate(server, name)
            cost.append((server.process.cpu() - before) / 1e6)
            check(new != old, server, "a renewed certificate is not served within 2 seconds")
            files = opened.files()
            others.append(len([file for file in files if file.parent.name != name]))
        opened.close()
    return [
        row("10", f"one certificate of {plan.domains:,} renewed: CPU until it is served", "ms",
            {Ours.name: cost},
            [figure("CPU", cost, 20, "ms"), figure("other files read", others, 0, "files")],
            "the two seconds and one handshake are in it")
    ]


def idle_connections(plan):
    """Row 11."""
    print(f"{plan.idle} idle connections")
    pair = certificates.pair(plan.work)
    values, growth = {}, {}
    for kind in (Ours, Nginx):
        alone_ = kind(plan.folder(kind.name), pair)
        crowded = kind(plan.folder(kind.name + "-crowded"), pair)
        with running([alone_, crowded]):
            load.wait_quiet(crowded)
            before = crowded.process.memory()
            idle = Idle(crowded, plan.idle)
            load.wait_quiet(crowded)
            growth[kind.name] = [(crowded.process.memory() - before) / plan.idle / 1024]
            values |= in_turns(
                plan.rounds,
                {
                    kind.name: lambda server=alone_: full(plan)(server),
                    f"{kind.name}, {plan.idle:,} idle": lambda s=crowded: full(plan)(s),
                },
            )
            idle.close()
    label = f"{{}}, {plan.idle:,} idle"
    return [
        row("11", f"case 1 with {plan.idle:,} idle kept TLS connections", "µs", values,
            [ratio("of case 1", values[label.format(Ours.name)], values[Ours.name], 1.5),
             ratio("of case 1, nginx", values[label.format(Nginx.name)], values[Nginx.name])]),
        row("11", "memory of an idle kept TLS connection", "KB", growth,
            [figure("each", growth[Ours.name], 12, "KB")]),
    ]


def latency(plan):
    """Row 12: both cores for servers and clients alike, each at half of its own top rate."""
    print("latency at half of the top rate")
    pair = certificates.pair(plan.work)
    servers = [kind(plan.folder(kind.name + "-2"), pair, workers=2) for kind in (Ours, Nginx)]
    seconds = plan.seconds
    with running(servers), process.on_cores(process.ALL_CORES):
        top = {}
        for server in servers:
            tries = [
                Client.load(server, "--threads", 32, "--seconds", seconds)
                for _ in range(1 if plan.smoke else 3)
            ]
            top[server.name] = [result["right"] / result["seconds"] for result in tries]
        rate = {name: int(statistics.median(values) / 2) for name, values in top.items()}

        def p99(server, name):
            options = ["--threads", 64, "--seconds", seconds, "--rate", rate[name]]
            return Client.load(server, *options)["p99_us"] / 1000

        ours, nginx = servers
        same = f"{Ours.name} at nginx's rate"
        values = in_turns(
            plan.rounds,
            {
                Ours.name: lambda: p99(ours, Ours.name),
                Nginx.name: lambda: p99(nginx, Nginx.name),
                same: lambda: p99(ours, Nginx.name),
            },
        )
    note = ", ".join(f"{name} {rate[name]:,}/s" for name in rate)
    return [
        row("12", "p99 latency of case 1 at half of the top rate, 2 cores", "ms", values,
            [ratio("of nginx", values[Ours.name], values[Nginx.name], 1.0),
             ratio("of nginx, both at nginx's rate", values[same], values[Nginx.name])],
            f"half of the top rate: {note}; clients on the same cores")
    ]


def one_certificate(plan):
    """Row 13."""
    print(f"{plan.plain_domains} domains behind one certificate", flush=True)
    pair = certificates.pair(plan.work)
    tree = certificates.tree_without_certificates(plan.work, plan.plain_domains)
    name = certificates.TREE_NAME.format(plan.plain_domains // 2)
    start, each = [], []
    for _ in range(plan.slow_rounds):
        sizes = []
        for server, options in [
            (Ours(plan.folder("one"), pair), []),
            (Ours(plan.folder("behind-one"), pair, tree=tree), ["--name", name]),
        ]:
            seconds = Client.start_until_first_answer(server, *options)
            try:
                load.wait_quiet(server)
                sizes.append(server.process.memory())
            finally:
                server.stop()
        start.append(seconds)
        each.append((sizes[1] - sizes[0]) / plan.plain_domains / 1024)
    return [
        row("13", f"{plan.plain_domains:,} domains behind one certificate: until ready", "s",
            {Ours.name: start}, [figure("until ready", start, 2, "s")]),
        row("13", f"{plan.plain_domains:,} domains behind one certificate: memory of each", "KB",
            {Ours.name: each}, [figure("each", each, 1.5, "KB")]),
    ]


def rsa(plan):
    print("full handshakes with RSA-2048")
    pair = certificates.pair(plan.work, "rsa")
    servers = [kind(plan.folder(kind.name + "-rsa"), pair) for kind in ALL]
    with running(servers):
        values = in_turns(plan.slow_rounds, for_each(servers, full(plan)))
    return [
        row("RSA", "case 1 with an RSA-2048 certificate", "µs", values, ratios(values, {}),
            "no target: use ECDSA")
    ]


GROUPS = [alone, own_certificates, idle_connections, latency, one_certificate, rsa]
