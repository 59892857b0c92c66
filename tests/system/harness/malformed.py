"""Malformed requests: valid ones that were spoilt, and a strict parser that proves that they are.

The parser follows RFC 9112 and RFC 9110 to the letter, but for what they let a server be lenient
with and libmicrohttpd is: empty lines before a request, and an LF alone as the end of a line inside
a chunked body. Any visible ASCII is a target, for browsers send some of it raw.
"""

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/(\d)\.(\d)" % TOKEN)
FIELD = re.compile(rb"(%s):[ \t]*((?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?)" % TOKEN)
HOST = re.compile(rb"(?:[0-9A-Za-z\-._~!$&'()*+,;=%]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
CHUNK_END = re.compile(rb"\r?\n")
TRAILER = re.compile(rb"%s\r?\n" % FIELD.pattern)


class Malformed(Exception):
    """Why a request is malformed."""


def check(data):
    """Raises Malformed where the request that the bytes begin with is not whole and well-formed."""
    head, end, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not end:
        raise Malformed("no end")
    line, *lines = head.split(b"\r\n")
    request = REQUEST_LINE.fullmatch(line)
    if not request:
        raise Malformed("request line")
    method, target, major, minor = request.groups()
    if major != b"1":
        return  # well-formed, if of another version: 505 is the right answer
    check_target(method, target)
    fields = [FIELD.fullmatch(each) for each in lines]
    if not all(fields):
        raise Malformed("field")
    values = {}
    for field in fields:
        values.setdefault(field[1].lower(), []).append(field[2].rstrip(b" \t"))
    check_host(values.get(b"host", []), minor)
    check_body(values.get(b"content-length", []), values.get(b"transfer-encoding", []), minor, body)


def check_target(method, target):
    origin = target.startswith(b"/")
    absolute = re.match(rb"[A-Za-z][A-Za-z0-9+.\-]*:", target)
    if not (origin or absolute or method == b"CONNECT" or (method, target) == (b"OPTIONS", b"*")):
        raise Malformed("target")


def check_host(hosts, minor):
    if len(hosts) > 1 or (not hosts and minor != b"0"):
        raise Malformed("host fields")
    if hosts and not HOST.fullmatch(hosts[0]):
        raise Malformed("host")


def check_body(lengths, codings, minor, body):
    if len(lengths) + len(codings) > 1:
        raise Malformed("framing")
    if lengths:
        if not re.fullmatch(rb"\d+", lengths[0]):
            raise Malformed("length")
        if len(body) < int(lengths[0]):
            raise Malformed("body cut off")
    if codings:
        if codings[0].lower() != b"chunked" or minor == b"0":
            raise Malformed("coding")
        check_chunks(body)


def check_chunks(body):
    while True:
        head = CHUNK_SIZE.match(body)
        if not head:
            raise Malformed("chunk")
        size, body = int(head[1], 16), body[head.end() :]
        if size == 0:
            break
        end = CHUNK_END.match(body, size)
        if not end:
            raise Malformed("chunk's end")
        body = body[end.end() :]
    while not (end := CHUNK_END.match(body)):
        trailer = TRAILER.match(body)
        if not trailer:
            raise Malformed("trailer")
        body = body[trailer.end() :]


def is_malformed(data):
    try:
        check(data)
    except Malformed:
        return True
    return False


PATHS = (b"server", b"client", b"support", b"policy_server", b"", b"server?a=b", b"server/x")
NUMBERS = (
    b"-1", b"+1", b"0x10", b"1e3", b"", b" ", b"1 1", b"1,1", b"1;", b"nan", b"\xd9\xa3", b"1\0",
    b"9" * 19, b"9" * 20, b"18446744073709551617", b"1" + b"0" * 300, b"ffffffffffffffffffff",
)  # fmt: skip
CONTROLS = [bytes([code]) for code in (*range(0x20), 0x7F)]
LINE_ENDS = (b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n ", b"\r\n\t", b"\0", b"", b"\r\0\n", b"\x85")
VERSIONS = (
    b"", b"HTTP", b"HTTP/", b"HTTP/1", b"HTTP/1.", b"HTTP/.1", b"HTTP/1.1.1", b"HTTP/11", b"1.1",
    b"HTTP/1.10", b"http/1.1", b"HTTP/1,1", b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/1.1x", b"HTP/1.1",
    b"HTTP/1.\0", b"HTTP/-1.1", b"HTTP/1.1 HTTP/1.1", b"HTTPS/1.1", b"HTTP/1.\xb9", b"\tHTTP/1.1",
)  # fmt: skip
HOSTS = (
    b"a b", b"example.com/x", b"user@example.com", b"[::1", b"::1", b"example.com:port", b'"x"',
    b"example.com, example.com", b"example.com\0", b"\x1b[2J", b"\xff", b"http://example.com",
    b"example.com:1:1", b"<script>", b"a\\b", b"example.com#", b"example.com?x", b"\t\x0b",
)  # fmt: skip
FIELDS = (
    b"no colon", b": no name", b"Space : x", b"Tab\t: x", b"Na me: x", b"N\0ul: x", b"Nul: a\0b",
    b"Quo\"te: x", b"Par(en): x", b"\xc3\xbc: x", b"Bell: \x07", b"Escape: \x1b[31m", b"Del: \x7f",
    b"\x01: x", b" Folded: first", b"Fold: a\r\n b", b"Cr: a\rb", b"Lf: a\nb", b"\0", b"[x]: y",
    b"User-Agent: \x1b]0;x\x07", b"Referer: a\n127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 1",
    b"Host: example.com", b"Content-Length: 1\r\nContent-Length: 2", b"Content-Length: x",
    b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, chunked", b"Host",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding:",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
)  # fmt: skip


class Generator:
    """An endless series of malformed requests, the same ones for the same `random`."""

    def __init__(self, random):
        self.random = random
        self.spoilers = (
            self.method, self.blanks, self.target, self.version, self.line_end, self.field,
            self.host, self.framing, self.chunks, self.control, self.last_line_end, self.bytes_,
            self.cut, self.shuffle, self.garbage,
        )  # fmt: skip

    def __iter__(self):
        while True:
            request = self.request()
            for _ in range(self.random.choice((1, 1, 1, 2, 3))):
                request = self.random.choice(self.spoilers)(request)
            if is_malformed(request):
                yield request

    def request(self):
        choice = self.random.choice
        target = b"/.well-known/matrix/" + choice(PATHS)
        target = choice((target, target, target, b"http://example.com" + target, b"/"))
        version = choice((b"1.1", b"1.1", b"1.1", b"1.0"))
        lines = [choice((b"GET", b"GET", b"HEAD", b"OPTIONS", b"POST")) + b" " + target]
        lines[0] += b" HTTP/" + version
        lines.append(choice((b"Host: example.com", b"host:example.com:443 ", b"Host: EXAMPLE.com.")))
        optional = [
            b"User-Agent: Synapse/1.0", b"Accept: */*", b"Connection: close", b"X-Empty:",
            b'If-None-Match: "a", W/"b"', b"Referer: https://example.com/", b"Cookie: a=b; c",
        ]  # fmt: skip
        lines += self.random.sample(optional, self.random.randrange(4))
        body = b""
        if self.random.random() < 0.2:
            lines.append(b"Content-Length: 5")
            body = b"hello"
        elif self.random.random() < 0.2:
            lines.append(b"Transfer-Encoding: chunked")
            body = b"5\r\nhello\r\na;x=y\r\n0123456789\r\n0\r\nX-Trailer: x\r\n\r\n"
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def somewhere(self, text):
        return self.random.randrange(len(text) + 1)

    def put(self, text, place, what):
        return text[:place] + what + text[place:]

    def method(self, request):
        bad = (b"G@T", b"", b"G\0T", b"GET:", b"(GET)", b"\xc7ET", b'"GET"', b"G\tT", b"\x16\x03")
        return self.random.choice(bad) + request[request.find(b" ") :]

    def blanks(self, request):
        line, end, rest = request.partition(b"\r\n")
        place = self.random.choice([i for i, byte in enumerate(line + b" ") if byte == 0x20])
        blank = self.random.choice((b" ", b"\t", b"\x0b", b"\x0c", b"\xa0", b"   "))
        return self.put(line, place, blank) + end + rest

    def target(self, request):
        words = (request + b" ").split(b" ", 2)
        bad = (b"", b"server", b"*", b"/\0", b"/\x1b[31m", b"/\xff", b"/a b", b"?", b"//\x7f", b"#")
        words[1:2] = [self.random.choice((*bad, words[1] + self.random.choice(CONTROLS)))]
        return b" ".join(words)

    def version(self, request):
        line, end, rest = request.partition(b"\r\n")
        return line.rpartition(b" ")[0] + b" " + self.random.choice(VERSIONS) + end + rest

    def line_end(self, request):
        places = [found.start() for found in re.finditer(b"\r\n", request)]
        if not places:
            return request
        place = self.random.choice(places)
        return request[:place] + self.random.choice(LINE_ENDS) + request[place + 2 :]

    def last_line_end(self, request):
        end = self.random.choice((b"\r\n\n", b"\r\n\r", b"\n\n", b"\r\r", b"\r\n\0\r\n", b"\n\r\n"))
        return request.replace(b"\r\n\r\n", end, 1)

    def field(self, request):
        line, end, rest = request.partition(b"\r\n")
        fields = rest.split(b"\r\n")
        fields.insert(self.random.randrange(3), self.random.choice(FIELDS))
        return line + end + b"\r\n".join(fields)

    def host(self, request):
        host = self.random.choice((b"", b"Host: " + self.random.choice(HOSTS) + b"\r\n"))
        return re.sub(rb"(?i)host:[^\r]*\r\n", lambda _: host, request, count=1)

    def framing(self, request):
        name = self.random.choice((b"Content-Length", b"Transfer-Encoding"))
        field = name + b": " + self.random.choice(NUMBERS)
        return request.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n", 1)

    def chunks(self, request):
        head = request.partition(b"\r\n\r\n")[0]
        head = re.sub(rb"(?i)\r\n(content-length|transfer-encoding):[^\r]*", b"", head)
        size = self.random.choice((*NUMBERS, b"zz", b"5", b"4", b"6", b"0", b"5 x", b"\0"))
        body = size + b"\r\nhello\r\n0\r\n" + self.random.choice((b"\r\n", b"x\r\n\r\n", b""))
        return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body

    def control(self, request):
        head_end = request.find(b"\r\n\r\n") + 2
        place = self.random.randrange(max(head_end, 1))
        return self.put(request, place, self.random.choice(CONTROLS))

    def bytes_(self, request):
        for _ in range(self.random.randrange(1, 8)):
            place = self.somewhere(request)
            request = request[:place] + self.random.randbytes(1) + request[place + 1 :]
        return request

    def cut(self, request):
        return request[: self.somewhere(request)]

    def shuffle(self, request):
        first, second = sorted((self.somewhere(request), self.somewhere(request)))
        return request[second:] + request[first:second] + request[:first]

    def garbage(self, _):
        return self.random.randbytes(self.random.randrange(1, 400))
