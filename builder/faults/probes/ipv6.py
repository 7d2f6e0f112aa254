"""The IPv6 packets that the probes read and write themselves (RFC 4861, RFC 4443)."""

from __future__ import annotations

import socket
import struct

from builder.faults.probes.packets import ETHERNET, TCP, HolderClaim, checksum

FAMILY = socket.AF_INET6
PING = socket.IPPROTO_ICMPV6

IPV6 = 0x86DD
HEADER = 40
"""Bytes of an IPv6 header; the relevant packets have no extension headers."""
SOLICITATION, ADVERTISEMENT = 135, 136
SOLICITED = 0x40
"""The flag of an advertisement that answers a solicitation."""
ECHO, ECHO_REPLY = 128, 129
ADVERTISED = ETHERNET + HEADER + 24
"""Bytes of a frame with a neighbor advertisement, up to its options."""
SHORTEST = ETHERNET + HEADER + 8
ICMP6_FILTER = 1
"""From linux/icmpv6.h; Python does not define it."""
QUERY_SOURCE = socket.inet_pton(FAMILY, "fe80::7669:7066:6f72:6765")
"""A link-local address unknown to our kernel, so that the kernel learns nothing from the answers."""

FRAME_FILTER = (
    (0x28, 0, 0, 12),  # ldh [12]: the EtherType
    (0x15, 0, 7, IPV6),
    (0x30, 0, 0, 20),  # ldb [20]: the next header
    (0x15, 4, 0, PING),
    (0x15, 0, 4, TCP),
    (0x30, 0, 0, 67),  # ldb [67]: the flags of TCP
    (0x54, 0, 0, 0x12),  # and
    (0x15, 0, 1, 0x12),  # SYN and ACK
    (0x06, 0, 0, 128),  # the first 128 bytes
    (0x06, 0, 0, 0),  # nothing
)
"""Accepts ICMPv6, and the second segment of a TCP connection."""


def holder_query(own_mac: bytes, vip: bytes) -> bytes:
    """A neighbor solicitation to the VIP's solicited-node multicast group (RFC 4861, section 4.3)."""
    group = socket.inet_pton(FAMILY, "ff02::1:ff00:0")[:13] + vip[13:]
    source = b"\x01\x01" + own_mac
    unsummed = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + vip + source
    pseudo = QUERY_SOURCE + group + struct.pack("!II", len(unsummed), PING)
    message = unsummed[:2] + struct.pack("!H", checksum(pseudo + unsummed)) + unsummed[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), PING, 255)
    return b"\x33\x33" + group[12:] + own_mac + struct.pack("!H", IPV6) + header + QUERY_SOURCE + group + message


def read_claim(frame: bytes, vip: bytes) -> HolderClaim | None:
    """An unsolicited neighbor advertisement is an announcement; a solicited one comes from the holder."""
    if len(frame) < ADVERTISED or not _is_icmp(frame) or frame[54] != ADVERTISEMENT or frame[62:78] != vip:
        return None
    return "holds" if frame[58] & SOLICITED else "announces"


def read_answer(frame: bytes, vip: bytes) -> tuple[int, int] | None:
    """Which request the VIP answered: (protocol, our port or echo number); None for any other frame."""
    if len(frame) < SHORTEST or frame[22:38] != vip:
        return None
    if _is_icmp(frame):
        return (PING, int.from_bytes(frame[60:62])) if frame[54] == ECHO_REPLY else None
    return TCP, int.from_bytes(frame[56:58])


def pings() -> socket.socket:
    """A raw socket for echo requests and their replies; its filter blocks everything else."""
    raw = socket.socket(FAMILY, socket.SOCK_RAW, PING)
    blocked = (1 << 256) - 1 & ~(1 << ECHO_REPLY)
    words = [blocked >> 32 * number & 0xFFFFFFFF for number in range(8)]
    raw.setsockopt(PING, ICMP6_FILTER, struct.pack("=8I", *words))
    return raw


def echo(identifier: int, number: int) -> bytes:
    """An echo request; the kernel adds its checksum (RFC 3542, section 3.1)."""
    return struct.pack("!BBHHH", ECHO, 0, 0, identifier, number)


def read_echo(packet: bytes, identifier: int) -> int | None:
    """The number of our echo request in an ICMPv6 message; None if it is not a reply to one of ours."""
    kind, sender, number = struct.unpack_from("!B3xHH", packet)
    return int(number) if kind == ECHO_REPLY and sender == identifier else None


def _is_icmp(frame: bytes) -> bool:
    return int.from_bytes(frame[12:14]) == IPV6 and frame[20] == PING
