"""What a reload removes is freed only once no worker can use it, wherever the workers are preempted."""

import contextlib
import subprocess
from pathlib import Path

import pytest
from harness.calls import needs_failing_calls
from harness.daemon import free_port
from harness.waiting import eventually

SOURCE = Path(__file__).parent / "faults" / "held_events.c"
HOLD_MILLISECONDS = 50
ADDRESSES = {"https": "listen", "http": "listen_http", "metrics": "metrics_listen"}


@pytest.fixture(scope="module")
def held_events(tmp_path_factory):
    """Details for Starter: the daemon's workers are preempted where they hold events."""
    library = tmp_path_factory.mktemp("held_events") / "held_events.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    variables = {"LD_PRELOAD": str(library), "HOLD_MILLISECONDS": str(HOLD_MILLISECONDS)}
    return {"environment": variables}


@needs_failing_calls
@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_listener_is_not_freed_under_a_worker_that_holds_its_event(
    start, site, held_events, kind
):
    stays, comes_and_goes = free_port(), free_port()
    without = f"""
        listen_http = {{ "127.0.0.1:{stays}" }}
        {site.settings(start.directory)}
        domain "example.com" {{ server = "m.example:1" }}
    """
    if kind == "http":
        both = f'"127.0.0.1:{stays}", "127.0.0.1:{comes_and_goes}"'
        with_it = without.replace(f'"127.0.0.1:{stays}"', both)
    else:
        with_it = f'{ADDRESSES[kind]} = {{ "127.0.0.1:{comes_and_goes}" }}' + without
    daemon = start.configured(with_it, **held_events)
    endpoint = daemon.endpoint("127.0.0.1", comes_and_goes)

    def reload_with(text):
        mark = len(daemon.log)
        daemon.configuration.write_text(text)
        daemon.reload()
        eventually(
            lambda: daemon.process.poll() is not None or "\nready" in daemon.log[mark:], "the reload"
        )
        assert daemon.process.poll() is None, daemon.log[mark:]

    for _ in range(5):
        with contextlib.closing(endpoint.open()):  # an event of the listener's
            reload_with(without)
        reload_with(with_it)
    assert daemon.http[0].get().status == 200
