"""make bench, make bench-smoke: see README.md."""

import argparse
import datetime
import os
import platform
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import load
import process
import report
import rows
import servers

HERE = Path(__file__).resolve().parent


def first_line(*command):
    environment = {**os.environ, **servers.libraries(command[0])}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    except FileNotFoundError:
        return "?"
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def version(*command):
    found = re.search(r"\d+\.\d[\w.\-+]*", first_line(*command))
    return found[0] if found else "?"


def versions():
    found = {
        "nginx": version(servers.find("nginx"), "-v"),
        "lighttpd": version(servers.find("lighttpd"), "-v"),
        "HAProxy": version(servers.find("haproxy"), "-v"),
        "Caddy": version(servers.find("caddy"), "version"),
        "OpenSSL": version(servers.find("openssl"), "version"),
        "wrk": version(servers.find("wrk"), "-v"),
    }
    for name, module in [("GnuTLS", "gnutls"), ("libmicrohttpd", "libmicrohttpd")]:
        found[name] = version("pkg-config", "--modversion", module)
    return found


def machine():
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(process.ALL_CORES),
        "memory_gb": memory / 2**30,
        "kernel": platform.release(),
        "system": system[1] if system else "?",
    }


def allow_open_files():
    """Idle connections need many; servers inherit the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the build directory")
    parser.add_argument("--smoke", action="store_true", help="only see that everything works")
    parser.add_argument("--only", help="these groups, separated by commas (for development)")
    parser.add_argument("--rounds", type=int, help="instead of five, or one")
    return parser.parse_args()


def measure(plan, only):
    found, same = [], {}
    if not only or "requests" in only:
        found, same = rows.requests(plan)
    for group in rows.GROUPS:
        if not only or group.__name__ in only:
            found += group(plan)
    return found, same


def main():
    options = arguments()
    build = options.build.resolve()
    servers.Ours.build = build
    load.Client.program = build / "bench" / "client"
    lacking = servers.missing()
    if lacking:
        print("bench: missing, please install (nothing is installed for you):", file=sys.stderr)
        print("\n".join(f"  {line}" for line in lacking), file=sys.stderr)
        return 1
    allow_open_files()
    # Servers are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.sched_setaffinity(0, process.LOAD_CORES)
    plan = rows.Plan(build, options.smoke)
    if options.rounds:
        plan.rounds = plan.slow_rounds = options.rounds
    plan.work.mkdir(parents=True, exist_ok=True)
    commit = first_line("git", "-C", str(HERE), "describe", "--always", "--dirty")
    try:
        found, same = measure(plan, options.only and options.only.split(","))
    except load.Wrong as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    found.sort(key=lambda row: (not row["row"].isdigit(), int(row["row"]) if row["row"].isdigit() else 0))
    results = {
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "machine": machine(),
        "versions": versions(),
        "same": same,
        "rows": found,
    }
    if options.only:
        print(report.table(results) + "\n\n" + report.costs(results))
        return 0
    folder = build / "bench" / "smoke" if options.smoke else HERE
    report.write(results, folder)
    print(report.table(results))
    print(f"\nwritten: {folder}/results.json, results.md, handshake.svg, memory.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
