"""IPv4 packets: Scapy reads what the probes write, and the probes read what Scapy writes."""

from __future__ import annotations

import ast
import socket
from pathlib import Path

import pytest
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, TCP, IPOption_RR
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from builder.faults import probes
from builder.faults.probes import ipv4, packets

ADDRESS, OTHER, CLIENT = "192.168.56.10", "192.168.56.11", "192.168.56.1"
VIP = socket.inet_aton(ADDRESS)
HARDWARE = "52:54:00:aa:bb:cc"
MAC = bytes.fromhex("525400aabbcc")
SYN_ACK = TCP(sport=80, dport=45678, flags="SA")


def arp(operation: str, sender: str, target: str) -> bytes:
    return raw(
        Ether(src=HARDWARE, dst="ff:ff:ff:ff:ff:ff") / ARP(op=operation, hwsrc=HARDWARE, psrc=sender, pdst=target)
    )


def from_node(source: str, content: Packet) -> bytes:
    return raw(Ether(src=HARDWARE, dst=HARDWARE) / IP(src=source, dst=CLIENT) / content)


def test_a_query_for_the_holder_does_not_reveal_our_address() -> None:
    frame = ipv4.holder_query(MAC, VIP)
    assert len(frame) == 42
    assert ipv4.read_arp(frame) == ipv4.Arp(reply=False, sender_ip=bytes(4), target_ip=VIP)
    asked = Ether(frame)
    assert (asked.src, asked.dst) == (HARDWARE, "ff:ff:ff:ff:ff:ff")
    assert asked[ARP].op == 1
    assert (asked[ARP].hwsrc, asked[ARP].psrc, asked[ARP].pdst) == (HARDWARE, "0.0.0.0", ADDRESS)


def test_replies_and_announcements_are_distinguished() -> None:
    reply, announcement = arp("is-at", ADDRESS, CLIENT), arp("who-has", ADDRESS, ADDRESS)
    assert ipv4.read_arp(reply) == ipv4.Arp(reply=True, sender_ip=VIP, target_ip=socket.inet_aton(CLIENT))
    assert ipv4.read_arp(announcement) == ipv4.Arp(reply=False, sender_ip=VIP, target_ip=VIP)
    assert ipv4.read_claim(reply, VIP) == "holds"
    assert ipv4.read_claim(announcement, VIP) == "announces"
    assert ipv4.read_claim(arp("is-at", ADDRESS, ADDRESS), VIP) == "announces"


def test_other_frames_say_nothing_about_the_vip() -> None:
    assert ipv4.read_claim(arp("who-has", CLIENT, ADDRESS), VIP) is None
    assert ipv4.read_claim(arp("is-at", OTHER, CLIENT), VIP) is None
    assert ipv4.read_claim(from_node(ADDRESS, SYN_ACK), VIP) is None


@pytest.mark.parametrize(
    "frame",
    [b"", bytes(42), arp("is-at", ADDRESS, ADDRESS)[:30], from_node(ADDRESS, SYN_ACK)],
    ids=["nothing", "zeros", "cut short", "an answer"],
)
def test_frames_other_than_arp_are_ignored(frame: bytes) -> None:
    assert ipv4.read_arp(frame) is None


def test_an_answer_is_identified_by_our_port_or_by_the_number_of_the_ping() -> None:
    assert ipv4.read_answer(from_node(ADDRESS, SYN_ACK), VIP) == (packets.TCP, 45678)
    reply = ICMP(type="echo-reply", id=77, seq=5)
    assert ipv4.read_answer(from_node(ADDRESS, reply), VIP) == (ipv4.PING, 5)


def test_an_answer_is_identified_behind_ip_options() -> None:
    with_options = IP(src=ADDRESS, dst=CLIENT, options=[IPOption_RR(routers=[ADDRESS])])
    frame = raw(Ether(src=HARDWARE, dst=HARDWARE) / with_options / SYN_ACK)
    assert ipv4.read_answer(frame, VIP) == (packets.TCP, 45678)


def test_an_answer_from_another_address_is_ignored() -> None:
    assert ipv4.read_answer(from_node(OTHER, SYN_ACK), VIP) is None


def test_a_ping_is_an_echo_request_with_a_checksum() -> None:
    assert packets.checksum(ipv4.echo(1234, 7)) == 0
    assert ipv4.echo(1234, 7) == raw(ICMP(type="echo-request", id=1234, seq=7))


def test_only_replies_to_our_own_pings_count() -> None:
    reply = raw(IP(src=ADDRESS, dst=CLIENT) / ICMP(type="echo-reply", id=1234, seq=7))
    assert ipv4.read_echo(reply, 1234) == 7
    assert ipv4.read_echo(reply, 4321) is None
    assert ipv4.read_echo(raw(IP(src=ADDRESS, dst=CLIENT) / ICMP(id=1234, seq=7)), 1234) is None


def test_the_filters_jumps_stay_within_it() -> None:
    for place, (code, if_true, if_false, _) in enumerate(ipv4.FRAME_FILTER):
        is_jump = code & 0x07 == 0x05
        assert not is_jump or place + 1 + max(if_true, if_false) < len(ipv4.FRAME_FILTER)


def test_no_probe_reads_the_wall_clock() -> None:
    """The wall clock may be set during a trial."""
    for path in Path(probes.__file__).parent.glob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        imported = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        clocks = {alias.name for node in imported if node.module == "time" for alias in node.names}
        assert clocks <= {"monotonic"}
        assert not names & {"time", "now", "utcnow"}
