"""IPv6 packets: Scapy reads what the probes write, and the probes read what Scapy writes."""

from __future__ import annotations

import socket

import pytest
from scapy.compat import raw
from scapy.layers.inet import TCP
from scapy.layers.inet6 import (
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from builder.faults.probes import ipv4, ipv6, packets
from builder.faults.probes.wire import packets_of

ADDRESS, OTHER, CLIENT = "2001:db8:59::12:3456", "2001:db8:59::11", "2001:db8:59::1"
VIP = socket.inet_pton(socket.AF_INET6, ADDRESS)
HARDWARE = "52:54:00:aa:bb:cc"
MAC = bytes.fromhex("525400aabbcc")
SYN_ACK = TCP(sport=80, dport=45678, flags="SA")


def from_node(source: str, content: Packet) -> bytes:
    return raw(Ether(src=HARDWARE, dst=HARDWARE) / IPv6(src=source, dst=CLIENT, hlim=255) / content)


def advertisement(target: str = ADDRESS, *, solicited: bool) -> bytes:
    said = ICMPv6ND_NA(R=0, S=int(solicited), O=1, tgt=target) / ICMPv6NDOptDstLLAddr(lladdr=HARDWARE)
    return from_node(ADDRESS, said)


def test_the_address_family_is_that_of_the_vip() -> None:
    assert packets_of("2001:db8::10") is ipv6
    assert packets_of("192.168.56.10") is ipv4


def test_a_query_is_a_solicitation_to_the_vips_multicast_group() -> None:
    frame = ipv6.holder_query(MAC, VIP)
    asked = Ether(frame)
    assert (asked.src, asked.dst) == (HARDWARE, "33:33:ff:12:34:56")
    assert (asked[IPv6].hlim, asked[IPv6].dst) == (255, "ff02::1:ff12:3456")
    assert asked[IPv6].src == socket.inet_ntop(socket.AF_INET6, ipv6.QUERY_SOURCE)
    assert asked[ICMPv6ND_NS].tgt == ADDRESS
    assert asked[ICMPv6NDOptSrcLLAddr].lladdr == HARDWARE
    del asked[ICMPv6ND_NS].cksum
    del asked[IPv6].plen
    assert raw(asked) == frame  # with the length and the checksum that Scapy computes


def test_answers_and_announcements_are_distinguished() -> None:
    assert ipv6.read_claim(advertisement(solicited=True), VIP) == "holds"
    assert ipv6.read_claim(advertisement(solicited=False), VIP) == "announces"


@pytest.mark.parametrize(
    "other",
    [
        b"",
        bytes(90),
        advertisement(OTHER, solicited=True),
        advertisement(solicited=True)[:70],
        ipv6.holder_query(MAC, VIP),
        from_node(ADDRESS, SYN_ACK),
    ],
    ids=["nothing", "zeros", "another target", "cut short", "a query", "an answer"],
)
def test_other_frames_say_nothing_about_the_vip(other: bytes) -> None:
    assert ipv6.read_claim(other, VIP) is None


def test_an_answer_is_identified_by_our_port_or_by_the_number_of_the_ping() -> None:
    assert ipv6.read_answer(from_node(ADDRESS, SYN_ACK), VIP) == (packets.TCP, 45678)
    assert ipv6.read_answer(from_node(ADDRESS, ICMPv6EchoReply(id=77, seq=5)), VIP) == (ipv6.PING, 5)


def test_other_packets_are_not_answers() -> None:
    assert ipv6.read_answer(advertisement(solicited=True), VIP) is None
    assert ipv6.read_answer(from_node(OTHER, SYN_ACK), VIP) is None


def test_a_ping_is_an_echo_request_whose_checksum_is_left_to_the_kernel() -> None:
    assert ipv6.echo(1234, 7) == raw(ICMPv6EchoRequest(id=1234, seq=7, cksum=0))


def test_only_replies_to_our_own_pings_count() -> None:
    reply = raw(ICMPv6EchoReply(id=1234, seq=7, cksum=0))
    assert ipv6.read_echo(reply, 1234) == 7
    assert ipv6.read_echo(reply, 4321) is None
    assert ipv6.read_echo(ipv6.echo(1234, 7), 1234) is None


def test_the_filters_jumps_stay_within_it() -> None:
    for place, (code, if_true, if_false, _) in enumerate(ipv6.FRAME_FILTER):
        is_jump = code & 0x07 == 0x05
        assert not is_jump or place + 1 + max(if_true, if_false) < len(ipv6.FRAME_FILTER)
