"""The time server and the name server of the lab."""

from __future__ import annotations

import socket
import struct
import time

import pytest

from builder.lab.stubs import StubServer, stub_servers, udp_servers
from builder.lab.stubs.udp_servers import NTP, NTP_EPOCH, dns_reply, ntp_reply
from tests.specs import quickstart

NAME = b"ntp.example.com"
ASKED = bytes([0o43]) + bytes(39) + struct.pack(">II", 7, 9)
"""A request of NTP version 4 that was sent at 7 s and 9 parts of a second."""


def query(name: bytes, kind: int = 1, number: int = 4711) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def test_every_time_server_of_the_spec_has_a_stub() -> None:
    spec = quickstart(network={"ntp": ["192.0.2.123", "ntp.example.com"], "dns": ["192.168.56.1", "192.168.56.2"]})
    found = {(each.kind, each.address, each.port, each.names) for each in stub_servers(spec) if each.port in (53, 123)}
    names = ("ntp.example.com",)
    assert found == {
        ("ntp", "192.0.2.123", 123, ()),
        *(("ntp", f"192.168.56.{number}", 123, ()) for number in (1, 2)),
        *(("dns", f"192.168.56.{number}", 53, names) for number in (1, 2)),
    }


def test_without_names_there_is_no_name_server() -> None:
    spec = quickstart(network={"ntp": ["192.0.2.123"]})
    assert [each.address for each in stub_servers(spec) if each.port in (53, 123)] == ["192.0.2.123"]


def test_the_time_is_this_hosts() -> None:
    mode, stratum, *_, seconds, fraction = NTP.unpack(ntp_reply(ASKED))
    assert (mode, stratum) == (0o44, 2)
    assert abs(seconds + fraction / 2**32 - NTP_EPOCH - time.time()) < 5
    assert ntp_reply(ASKED)[24:32] == ASKED[40:48], "the client recognizes its own request"


@pytest.mark.parametrize("datagram", [b"", bytes(48), bytes([0o44]) + bytes(47)])
def test_what_is_no_request_gets_no_answer(datagram: bytes) -> None:
    assert ntp_reply(datagram) == b""


@pytest.mark.parametrize(("kind", "records"), [(1, 1), (28, 0)])
def test_a_name_of_a_time_server_has_the_servers_address(kind: int, records: int) -> None:
    answer = dns_reply(query(b"NTP.example.com", kind), {NAME}, "192.168.56.1")
    assert struct.unpack(">HHHHHH", answer[:12]) == (4711, 0x8500, 1, records, 0, 0)
    assert answer.endswith(bytes([192, 168, 56, 1])) == bool(records)


def test_any_other_name_is_refused_at_once() -> None:
    answer = dns_reply(query(b"www.example.com"), {NAME}, "192.168.56.1")
    assert struct.unpack(">HHHH", answer[:8]) == (4711, 0x8505, 1, 0)


@pytest.mark.parametrize("datagram", [b"", b"x" * 11, query(NAME)[:20]])
def test_what_is_no_query_gets_no_answer(datagram: bytes) -> None:
    assert dns_reply(datagram, {NAME}, "192.168.56.1") == b""


def test_a_stub_answers_over_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    udp_servers.serve(StubServer("127.0.0.1", port, "ntp", "time"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(ASKED, ("127.0.0.1", port))
        assert len(client.recv(100)) == NTP.size
