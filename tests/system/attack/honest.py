"""Honest clients: `honest.py AUTHORITY SOURCES RATE URL...` fetches the server document again and
again, RATE times a second, each time on a new connection, from the addresses and URLs in turn, until
its standard input ends. Then it prints one line of JSON: a list of [begin, end or null] for each
request, by the monotonic clock.
"""

import asyncio
import itertools
import json
import ssl
import sys
import time
import urllib.parse

PATIENCE = 10  # seconds, as homeservers have it and more
REQUEST = (
    b"GET /.well-known/matrix/server HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
)


async def fetch(url, source, context):
    place = urllib.parse.urlparse(url)
    details = {"ssl": context, "server_hostname": "example.com"} if place.scheme == "https" else {}
    reader, writer = await asyncio.open_connection(
        place.hostname, place.port, local_addr=(source, 0), **details
    )
    try:
        writer.write(REQUEST)
        answer = b""
        # A connection that ends without close_notify raises here.
        while chunk := await reader.read(65536):
            answer += chunk
        return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"}")
    finally:
        writer.close()


async def measure(results, *details):
    begin = time.monotonic()
    result = [begin, None]
    results.append(result)
    try:
        if await asyncio.wait_for(fetch(*details), PATIENCE):
            result[1] = time.monotonic()
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        pass


async def main(authority, sources, rate, *urls):
    context = ssl.create_default_context(cafile=authority)
    # Each of the addresses comes with each of the URLs.
    turns = itertools.cycle([(url, source) for source in sources.split(",") for url in urls])
    loop, results, tasks = asyncio.get_running_loop(), [], set()
    over = loop.run_in_executor(None, sys.stdin.read)
    due = loop.time()
    print("begun", flush=True)
    while not over.done():
        url, source = next(turns)
        task = asyncio.create_task(measure(results, url, source, context))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        # One that was held up is not made up for.
        due = max(due + 1 / float(rate), loop.time())
        await asyncio.wait([over], timeout=due - loop.time())
    if tasks:
        await asyncio.wait(tasks)
    print(json.dumps(results))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
