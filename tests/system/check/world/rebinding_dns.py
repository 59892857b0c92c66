"""A DNS server that changes its mind: `rebinding_dns.py ADDRESS PORT FIRST`.

It answers every question for an A record with FIRST; but every second one for a name that
begins with "again" with 127.0.0.1. There are no other records.
"""

import collections
import socket
import sys

asked = collections.Counter()
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], int(sys.argv[2])))
while True:
    question, client = server.recvfrom(512)
    end = question.index(b"\0", 12) + 5
    name, kind = question[12 : end - 4].lower(), question[end - 4 : end - 2]
    answers = b""
    if kind == b"\0\x01":
        asked[name] += 1
        turned = name.startswith(b"\x05again") and asked[name] % 2 == 0
        address = "127.0.0.1" if turned else sys.argv[3]
        answers = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04" + socket.inet_aton(address)
    counts = b"\0\x01" + (b"\0\x01" if answers else b"\0\0") + bytes(4)
    server.sendto(question[:2] + b"\x85\x80" + counts + question[12:end] + answers, client)
