"""Clients that fetch in a loop while something else happens, and remember every failure."""

import threading

from .waiting import scaled


class Load:
    """`with Load(endpoint) as load:` fetches on new connections until the block ends."""

    def __init__(self, *endpoints, clients=2):
        self.endpoints = endpoints
        self.served = 0
        self.failures = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._fetch, args=(endpoints[index % len(endpoints)],))
            for index in range(clients)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(scaled(30))
            assert not thread.is_alive(), "a client hangs"

    def _fetch(self, endpoint):
        # A short pause leaves the other core to the daemon and to what the test does meanwhile.
        while not self._stopping.wait(0.002):
            try:
                status = endpoint.get().status
                failure = None if status == 200 else f"status {status}"
            except Exception as error:  # whatever it was, the test must hear of it
                failure = repr(error)
            with self._lock:
                self.served += 1
                if failure:
                    self.failures.append(failure)
