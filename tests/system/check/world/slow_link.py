"""A link that holds every frame up: `slow_link.py INTERFACE INTERFACE SECONDS`.

Does in user space what netem does in kernels that have it. Frames go from one interface to the
other, each way after half of SECONDS, so that a round trip takes SECONDS.
"""

import collections
import select
import socket
import sys
import time

ALL_PROTOCOLS = 3  # ETH_P_ALL
OUTGOING = 4  # PACKET_OUTGOING: what was sent here comes back to the socket


def open_interface(name):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    link.bind((name, 0))
    return link


first, second = open_interface(sys.argv[1]), open_interface(sys.argv[2])
delay = float(sys.argv[3]) / 2
other = {first: second, second: first}
waiting = collections.deque()
print("ready", flush=True)
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for link in select.select([first, second], [], [], pause)[0]:
        frame, address = link.recvfrom(65536)
        if address[2] != OUTGOING:
            waiting.append((time.monotonic() + delay, other[link], frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _due, link, frame = waiting.popleft()
        try:
            link.send(frame)
        except OSError:
            pass  # larger than the link takes, or the link is going away
