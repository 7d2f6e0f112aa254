"""The IPv4 packets that the probes read and write themselves (RFC 826, RFC 792, RFC 5227)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from builder.faults.probes.packets import ETHERNET, TCP, HolderClaim, checksum

FAMILY = socket.AF_INET
PING = socket.IPPROTO_ICMP

BROADCAST = b"\xff" * 6
UNSPECIFIED = bytes(4)
ARP_HEADER = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
"""Ethernet, IPv4, the lengths of their addresses, and the operation: a request."""
ARP_REPLY = 2
ARP_LENGTH, SHORTEST = 28, 42
"""In bytes: an ARP packet, and a frame with an IP header and the fields that identify an answer."""
ECHO, ECHO_REPLY = 8, 0
ARP, IPV4 = 0x0806, 0x0800

FRAME_FILTER = (
    (0x28, 0, 0, 12),  # ldh [12]: the EtherType
    (0x15, 8, 0, ARP),
    (0x15, 0, 8, IPV4),
    (0x30, 0, 0, 23),  # ldb [23]: the protocol
    (0x15, 5, 0, PING),
    (0x15, 0, 5, TCP),
    (0xB1, 0, 0, 14),  # ldxb 4*([14]&0xf): the length of the IP header
    (0x50, 0, 0, 27),  # ldb [x + 27]: the flags of TCP
    (0x54, 0, 0, 0x12),  # and
    (0x15, 0, 1, 0x12),  # SYN and ACK
    (0x06, 0, 0, 128),  # the first 128 bytes
    (0x06, 0, 0, 0),  # nothing
)
"""Accepts ARP and the first packets of answers: ICMP, and the second segment of a TCP connection."""


class Arp(NamedTuple):
    """The relevant fields of an ARP packet."""

    reply: bool
    sender_ip: bytes
    target_ip: bytes

    @property
    def gratuitous(self) -> bool:
        """Whether the packet only announces its sender."""
        return self.sender_ip == self.target_ip


def holder_query(own_mac: bytes, vip: bytes) -> bytes:
    """A broadcast that asks who has an address without revealing ours (RFC 5227, ARP Probe)."""
    return BROADCAST + own_mac + b"\x08\x06" + ARP_HEADER + own_mac + UNSPECIFIED + bytes(6) + vip


def read_claim(frame: bytes, vip: bytes) -> HolderClaim | None:
    """A gratuitous ARP is an announcement; a reply comes from the holder."""
    arp = read_arp(frame)
    if arp is None or arp.sender_ip != vip:
        return None
    if arp.gratuitous:
        return "announces"
    return "holds" if arp.reply else None


def read_arp(frame: bytes) -> Arp | None:
    """The ARP packet of an Ethernet frame; None for any other frame."""
    kind, operation = struct.unpack_from("!12xH6xH", frame) if len(frame) >= ETHERNET + ARP_LENGTH else (0, 0)
    if kind != ARP:
        return None
    return Arp(operation == ARP_REPLY, frame[28:32], frame[38:42])


def read_answer(frame: bytes, vip: bytes) -> tuple[int, int] | None:
    """Which request the VIP answered: (protocol, our port or echo number); None for any other frame."""
    if len(frame) < SHORTEST or frame[26:30] != vip:
        return None
    offset = ETHERNET + 4 * (frame[ETHERNET] & 0xF) + (2 if frame[23] == TCP else 6)
    return frame[23], int.from_bytes(frame[offset : offset + 2])


def pings() -> socket.socket:
    """A raw socket for echo requests and their replies."""
    return socket.socket(FAMILY, socket.SOCK_RAW, PING)


def echo(identifier: int, number: int) -> bytes:
    """An ICMP echo request."""
    unsummed = struct.pack("!BBHHH", ECHO, 0, 0, identifier, number)
    return struct.pack("!BBHHH", ECHO, 0, checksum(unsummed), identifier, number)


def read_echo(packet: bytes, identifier: int) -> int | None:
    """The number of our echo request in an IP packet; None if it is not a reply to one of ours."""
    offset = 4 * (packet[0] & 0xF)
    kind, sender, number = struct.unpack_from("!B3xHH", packet, offset)
    return int(number) if kind == ECHO_REPLY and sender == identifier else None
