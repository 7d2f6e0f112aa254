"""Packets of IPv6: what the probes write is what the standards say, and what they read is told apart."""

from __future__ import annotations

import socket
import struct

import pytest

from builder.proof.probes import family, packets, packets4, packets6

VIP = socket.inet_pton(socket.AF_INET6, "2001:db8:59::12:3456")
OTHER = socket.inet_pton(socket.AF_INET6, "2001:db8:59::11")
MAC = bytes.fromhex("525400aabbcc")


def frame(next_header: int, source: bytes, payload: bytes) -> bytes:
    header = struct.pack("!IHBB", 6 << 28, len(payload), next_header, 255) + source + VIP
    return MAC + MAC + b"\x86\xdd" + header + payload


def advertisement(flags: int, target: bytes = VIP) -> bytes:
    return frame(58, VIP, struct.pack("!BBHB3x", 136, 0, 0, flags) + target + b"\x02\x01" + MAC)


def test_the_family_is_the_vips() -> None:
    assert family.of("2001:db8::10") is packets6
    assert family.of("192.168.56.10") is packets4


def test_a_question_is_a_solicitation_to_the_vips_group() -> None:
    asked = packets6.question(MAC, VIP)
    assert asked[:14] == bytes.fromhex("3333ff123456") + MAC + b"\x86\xdd"
    header, message = asked[14:54], asked[54:]
    assert (header[6], header[7], len(message)) == (58, 255, 32)
    assert header[8:24] == packets6.NOBODY
    assert header[24:40] == socket.inet_pton(socket.AF_INET6, "ff02::1:ff12:3456")
    assert (message[0], message[8:24], message[24:]) == (135, VIP, b"\x01\x01" + MAC)
    assert packets.checksum(header[8:40] + struct.pack("!II", 32, 58) + message) == 0


def test_an_answer_to_it_and_an_announcement_are_told_apart() -> None:
    assert packets6.heard(advertisement(0x60), VIP) == "holds"
    assert packets6.heard(advertisement(0x20), VIP) == "announces"


@pytest.mark.parametrize(
    "other",
    [b"", bytes(90), advertisement(0x60, OTHER), advertisement(0x60)[:70], packets6.question(MAC, VIP)],
    ids=["nothing", "zeros", "another target", "cut short", "a question"],
)
def test_what_says_nothing_of_the_vip_is_none(other: bytes) -> None:
    assert packets6.heard(other, VIP) is None


def test_an_answer_is_known_by_our_port_or_by_the_number_of_the_ping() -> None:
    syn_ack = struct.pack("!HHIIBBHHH", 80, 45678, 0, 0, 0x50, 0x12, 0, 0, 0)
    assert packets6.read_answer(frame(6, VIP, syn_ack), VIP) == (packets.TCP, 45678)
    assert packets6.read_answer(frame(58, VIP, struct.pack("!BBHHH", 129, 0, 0, 77, 5)), VIP) == (packets6.PING, 5)


def test_other_packets_are_no_answer() -> None:
    assert packets6.read_answer(advertisement(0x60), VIP) is None
    assert packets6.read_answer(frame(6, OTHER, bytes(20)), VIP) is None


def test_only_replies_to_our_own_pings_count() -> None:
    reply = struct.pack("!BBHHH", 129, 0, 0, 1234, 7)
    assert packets6.read_echo(reply, 1234) == 7
    assert packets6.read_echo(reply, 4321) is None
    assert packets6.read_echo(packets6.echo(1234, 7), 1234) is None


def test_the_filters_jumps_stay_within_it() -> None:
    for place, (code, if_true, if_false, _) in enumerate(packets6.WANTED):
        is_jump = code & 0x07 == 0x05
        assert not is_jump or place + 1 + max(if_true, if_false) < len(packets6.WANTED)
