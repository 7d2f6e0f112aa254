"""Packets of IPv4: what the probes write is what they, and the standards, read."""

from __future__ import annotations

import ast
import socket
import struct
from pathlib import Path

import pytest

from builder.proof import probes
from builder.proof.probes import packets, packets4

VIP = socket.inet_aton("192.168.56.10")
MAC = bytes.fromhex("525400aabbcc")


def arp(operation: int, sender_ip: bytes, target_ip: bytes) -> bytes:
    header = packets4.BROADCAST + MAC + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return header + MAC + sender_ip + bytes(6) + target_ip


def ip_frame(protocol: int, source: bytes, payload: bytes) -> bytes:
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, VIP)
    return MAC + MAC + b"\x08\x00" + header + payload


def test_a_question_for_the_holder_tells_nothing_of_us() -> None:
    frame = packets4.question(MAC, VIP)
    assert len(frame) == 42
    assert packets4.read_arp(frame) == packets4.Arp(reply=False, sender_ip=bytes(4), target_ip=VIP)


def test_a_reply_and_an_announcement_are_told_apart() -> None:
    reply, announcement = packets4.read_arp(arp(2, VIP, bytes(4))), packets4.read_arp(arp(1, VIP, VIP))
    assert reply
    assert announcement
    assert (reply.reply, reply.gratuitous) == (True, False)
    assert (announcement.reply, announcement.gratuitous) == (False, True)


@pytest.mark.parametrize("frame", [b"", bytes(42), arp(2, VIP, VIP)[:30], ip_frame(6, VIP, bytes(20))])
def test_what_is_no_arp_is_none(frame: bytes) -> None:
    assert packets4.read_arp(frame) is None


def test_an_answer_is_known_by_our_port_or_by_the_number_of_the_ping() -> None:
    syn_ack = struct.pack("!HHIIBBHHH", 80, 45678, 0, 0, 0x50, 0x12, 0, 0, 0)
    assert packets4.read_answer(ip_frame(packets.TCP, VIP, syn_ack), VIP) == (packets.TCP, 45678)
    reply = struct.pack("!BBHHH", 0, 0, 0, 77, 5)
    assert packets4.read_answer(ip_frame(packets4.PING, VIP, reply), VIP) == (packets4.PING, 5)


def test_another_addresss_answer_is_none_of_ours() -> None:
    other = socket.inet_aton("192.168.56.11")
    assert packets4.read_answer(ip_frame(packets.TCP, other, bytes(20)), VIP) is None


def test_a_ping_carries_its_own_checksum() -> None:
    assert packets.checksum(packets4.echo(1234, 7)) == 0


def test_only_replies_to_our_own_pings_count() -> None:
    reply = bytes([0x45]) + bytes(19) + struct.pack("!BBHHH", 0, 0, 0, 1234, 7)
    assert packets4.read_echo(reply, 1234) == 7
    assert packets4.read_echo(reply, 4321) is None
    assert packets4.read_echo(bytes([0x45]) + bytes(19) + packets4.echo(1234, 7), 1234) is None


def test_the_filters_jumps_stay_within_it() -> None:
    for place, (code, if_true, if_false, _) in enumerate(packets4.WANTED):
        is_jump = code & 0x07 == 0x05
        assert not is_jump or place + 1 + max(if_true, if_false) < len(packets4.WANTED)


def test_no_probe_asks_the_wall_clock() -> None:
    """It may be set while a trial runs."""
    for path in Path(probes.__file__).parent.glob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        imported = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        clocks = {alias.name for node in imported if node.module == "time" for alias in node.names}
        assert clocks <= {"monotonic"}
        assert not names & {"time", "now", "utcnow"}
