"""What both families' packets have in common: who hears them at a port of the switch, and which frames there are."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Sequence
from typing import Literal, Protocol

ETHERNET = 14
"""Bytes of an Ethernet header."""
TCP = 6
ETH_P_ALL = 3
SO_ATTACH_FILTER = 26
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
"""linux/if_packet.h; Python has no names for them."""

Filter = Sequence[tuple[int, int, int, int]]
"""Classic BPF: (code, jump if true, jump if false, operand). It keeps all other traffic from waking us."""
Heard = Literal["holds", "announces"]
"""What a node says of a VIP: the answer of its holder, or an announcement that nobody asked for."""


class Packets(Protocol):
    """The packets of one family (packets4.py, packets6.py)."""

    @property
    def FAMILY(self) -> socket.AddressFamily:  # noqa: N802 - constants of a module
        """Of sockets."""

    @property
    def PING(self) -> int:  # noqa: N802
        """The protocol's number of the family's ICMP."""

    @property
    def WANTED(self) -> Filter:  # noqa: N802
        """Lets pass what tells of holders, and what begins an answer."""

    def question(self, own_mac: bytes, vip: bytes) -> bytes:
        """An Ethernet frame that asks who has the VIP and changes nobody's mind about us or it."""

    def heard(self, frame: bytes, vip: bytes) -> Heard | None:
        """What a frame says of the VIP; None for any other frame."""

    def read_answer(self, frame: bytes, vip: bytes) -> tuple[int, int] | None:
        """What the VIP answered to: (protocol, our port or the echo's number); None for any other frame."""

    def pings(self) -> socket.socket:
        """A raw socket for echo requests and their replies."""

    def echo(self, identifier: int, number: int) -> bytes:
        """An echo request."""

    def read_echo(self, packet: bytes, identifier: int) -> int | None:
        """The number of our echo in what such a socket got, if it is a reply to one of ours."""


def listen(interface: str, wanted: Filter) -> socket.socket:
    """A socket that gets the wanted frames that come in by an interface, and sends out by it (packet(7)).

    The protocol is ETH_P_ALL, for a socket of one protocol alone never sees what a bridge takes from its ports.
    """
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in wanted))
    program = struct.pack("@HP", len(wanted), ctypes.addressof(code))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    listener.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    listener.bind((interface, ETH_P_ALL))
    listener.setblocking(False)
    return listener


def checksum(data: bytes) -> int:
    """The Internet checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
