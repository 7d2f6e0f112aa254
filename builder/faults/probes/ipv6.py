"""The few packets of IPv6 that the probes read and write themselves (RFC 4861, RFC 4443)."""

from __future__ import annotations

import socket
import struct

from builder.faults.probes.packets import ETHERNET, TCP, Heard, checksum

FAMILY = socket.AF_INET6
PING = socket.IPPROTO_ICMPV6

IPV6 = 0x86DD
HEADER = 40
"""Bytes of an IPv6 header; what we look for comes without extension headers."""
SOLICITATION, ADVERTISEMENT = 135, 136
SOLICITED = 0x40
"""The flag of an advertisement that answers."""
ECHO, ECHO_REPLY = 128, 129
ADVERTISED = ETHERNET + HEADER + 24
"""Bytes of a frame with a neighbour advertisement, up to its options."""
SHORTEST = ETHERNET + HEADER + 8
ICMP6_FILTER = 1
"""linux/icmpv6.h; Python has no name for it."""
NOBODY = socket.inet_pton(FAMILY, "fe80::7669:7066:6f72:6765")
"""A link-local address of ours that our kernel does not know: it learns nothing of the answers, as clients do not."""

WANTED = (
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
"""A filter that lets ICMPv6 pass, and the second segment of a TCP connection."""


def question(own_mac: bytes, vip: bytes) -> bytes:
    """A neighbour solicitation to the group of those whose address ends like the VIP (RFC 4861, section 4.3)."""
    group = socket.inet_pton(FAMILY, "ff02::1:ff00:0")[:13] + vip[13:]
    source = b"\x01\x01" + own_mac
    unsummed = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + vip + source
    pseudo = NOBODY + group + struct.pack("!II", len(unsummed), PING)
    message = unsummed[:2] + struct.pack("!H", checksum(pseudo + unsummed)) + unsummed[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), PING, 255)
    return b"\x33\x33" + group[12:] + own_mac + struct.pack("!H", IPV6) + header + NOBODY + group + message


def heard(frame: bytes, vip: bytes) -> Heard | None:
    """An unsolicited neighbour advertisement announces; a solicited one comes from the holder."""
    if len(frame) < ADVERTISED or not _is_icmp(frame) or frame[54] != ADVERTISEMENT or frame[62:78] != vip:
        return None
    return "holds" if frame[58] & SOLICITED else "announces"


def read_answer(frame: bytes, vip: bytes) -> tuple[int, int] | None:
    """What the VIP answered to: (protocol, our port or the echo's number); None for any other frame."""
    if len(frame) < SHORTEST or frame[22:38] != vip:
        return None
    if _is_icmp(frame):
        return (PING, int.from_bytes(frame[60:62])) if frame[54] == ECHO_REPLY else None
    return TCP, int.from_bytes(frame[56:58])


def pings() -> socket.socket:
    """A raw socket for echo requests and their replies; of everything else, its filter lets nothing pass."""
    made = socket.socket(FAMILY, socket.SOCK_RAW, PING)
    blocked = (1 << 256) - 1 & ~(1 << ECHO_REPLY)
    words = [blocked >> 32 * number & 0xFFFFFFFF for number in range(8)]
    made.setsockopt(PING, ICMP6_FILTER, struct.pack("=8I", *words))
    return made


def echo(identifier: int, number: int) -> bytes:
    """An echo request; the kernel adds its checksum (RFC 3542, section 3.1)."""
    return struct.pack("!BBHHH", ECHO, 0, 0, identifier, number)


def read_echo(packet: bytes, identifier: int) -> int | None:
    """The number of our echo in an ICMPv6 message, if it is a reply to one of ours."""
    kind, found, number = struct.unpack_from("!B3xHH", packet)
    return int(number) if kind == ECHO_REPLY and found == identifier else None


def _is_icmp(frame: bytes) -> bool:
    return int.from_bytes(frame[12:14]) == IPV6 and frame[20] == PING
