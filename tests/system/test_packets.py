"""How what the daemon says gets onto the wire: whole, in order, and in few packets."""

import json
import socket
import ssl
import struct
import threading
import time

import pytest
from harness.waiting import scaled
from harness.wire import CLIENT, Connection, Records, request_bytes, trusting_anyone

# Less than is held back for one packet, about as much, more, and several TLS records.
SIZES = (100, 7000, 8200, 60_000)
CONFIGURATION = """
listen = {{ "127.0.0.1:0" }}
{certificate}
{domains}
"""
DOMAIN = """
domain "size-{size}.example" {{
    server = "matrix.example.com:8448"
    client = "https://matrix.example.com"
    client_extra = "{size}.json"
}}
"""


def filling(size):
    return {"org.example.filling": "x" * size}


@pytest.fixture(scope="module")
def https(start_once, site):
    directory = start_once.directory
    for size in SIZES:
        (directory / f"{size}.json").write_text(json.dumps(filling(size)))
    domains = "".join(DOMAIN.format(size=size) for size in SIZES)
    domains += 'domain "example.com" { server = "matrix.example.com:8448" }\n'
    return start_once.configured(
        CONFIGURATION.format(certificate=site.settings(directory), domains=domains)
    ).https[0]


def strict(minimum=ssl.TLSVersion.TLSv1_2, maximum=ssl.TLSVersion.TLSv1_3):
    """A client for which a connection that ends without close_notify is an error."""
    context = trusting_anyone()
    context.minimum_version, context.maximum_version = minimum, maximum
    return context


def connect_strictly(endpoint, context=None, small_window=False):
    plain = socket.socket()
    if small_window:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(scaled(20))
    plain.connect((endpoint.host, endpoint.port))
    stream = (context or strict()).wrap_socket(
        plain, server_hostname="example.com", suppress_ragged_eofs=False
    )
    return Connection(stream)


def is_filled(answer, size):
    return answer.status == 200 and answer.json.items() >= filling(size).items()


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_of_any_size_is_whole_and_so_is_the_end_of_its_connection(https, size):
    close = request_bytes(CLIENT, host=f"size-{size}.example", headers=[("Connection", "close")])
    with connect_strictly(https) as connection:
        assert is_filled(connection.request(CLIENT, host=f"size-{size}.example"), size)
        connection.send(close)
        assert is_filled(connection.read_answer(), size)
        assert connection.stream.recv(1) == b"", "no close_notify"


@pytest.mark.parametrize("size", SIZES)
def test_a_client_that_reads_late_and_slowly_gets_every_pipelined_answer(https, size):
    count = 6_000_000 // (size + 2000)
    with connect_strictly(https, small_window=True) as connection:
        requests = request_bytes(CLIENT, host=f"size-{size}.example") * count
        sender = threading.Thread(target=connection.stream.sendall, args=(requests,), daemon=True)
        sender.start()
        time.sleep(0.3)
        for _ in range(count):
            assert is_filled(connection.read_answer(), size)
        sender.join(scaled(10))


def read_answers(client, count):
    data = b""
    while data.count(b'{"m.server"') < count:
        data += client.until_done(lambda: client.tls.read(65536))
    return data


def test_records_that_come_in_one_packet_are_all_answered(https):
    client = Records(https)
    with client.socket:
        client.until_done(client.tls.do_handshake)
        for _ in range(2):
            for _ in range(100):
                client.tls.write(request_bytes())
            client.flush()
            assert read_answers(client, 100).count(b"HTTP/1.1 200 OK") == 100


def test_a_request_that_comes_with_the_clients_finished_is_answered(https):
    client = Records(https)
    with client.socket:
        client.until_done(client.tls.do_handshake)  # its Finished is in `outgoing`, not sent yet
        client.tls.write(request_bytes())
        client.flush()
        assert read_answers(client, 1).startswith(b"HTTP/1.1 200 OK")


def data_packets_from(stream):
    """How many packets with data have come from the peer: tcpi_data_segs_in of tcp(7)'s tcp_info."""
    offset = 152
    info = stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, offset + 4)
    return struct.unpack_from("I", info, offset)[0]


@pytest.mark.parametrize(
    "version, packets",
    # TLS 1.3: the flight; the answer with the end. TLS 1.2 has one flight more.
    ((ssl.TLSVersion.TLSv1_3, 2), (ssl.TLSVersion.TLSv1_2, 3)),
    ids=("TLSv1_3", "TLSv1_2"),
)
def test_a_handshake_with_a_request_takes_one_packet_for_each_turn(https, version, packets):
    with connect_strictly(https, strict(version, version)) as connection:
        connection.send(request_bytes(headers=[("Connection", "close")]))
        assert connection.read_answer().status == 200
        assert connection.stream.recv(1) == b"", "no close_notify"
        assert data_packets_from(connection.stream) == packets


# Up to what libmicrohttpd's buffer takes, each in one TLS record; from there on it refuses by itself.
@pytest.mark.parametrize(
    "size, status", ((1000, 200), (5000, 200), (7000, 200), (9000, 431), (16_000, 431))
)
def test_a_long_header_in_one_record_is_answered_at_once(https, size, status):
    with connect_strictly(https) as connection:
        connection.stream.settimeout(scaled(5))
        connection.send(request_bytes(headers=[("X-Long", "x" * size)]))
        assert connection.read_answer().status == status
