"""What the packets of both address families share: the interface of their modules, and the socket on a switch port."""

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
"""From linux/if_packet.h; Python does not define them."""

Filter = Sequence[tuple[int, int, int, int]]
"""Classic BPF: (code, jump if true, jump if false, operand). It keeps other traffic from waking this process."""
HolderClaim = Literal["holds", "announces"]
"""What a frame says about a VIP: its holder answers a query, or a node announces it unasked."""


class Packets(Protocol):
    """The packets of one address family (ipv4.py, ipv6.py)."""

    @property
    def FAMILY(self) -> socket.AddressFamily:  # noqa: N802 - constants of a module
        """The address family of sockets."""

    @property
    def PING(self) -> int:  # noqa: N802
        """The protocol number of the family's ICMP."""

    @property
    def FRAME_FILTER(self) -> Filter:  # noqa: N802
        """Accepts frames about holders, and the first packets of answers."""

    def holder_query(self, own_mac: bytes, vip: bytes) -> bytes:
        """An Ethernet frame that asks who holds the VIP without changing any neighbor table."""

    def read_claim(self, frame: bytes, vip: bytes) -> HolderClaim | None:
        """What a frame says about the VIP; None for any other frame."""

    def read_answer(self, frame: bytes, vip: bytes) -> tuple[int, int] | None:
        """Which request the VIP answered: (protocol, our port or echo number); None for any other frame."""

    def pings(self) -> socket.socket:
        """A raw socket for echo requests and their replies."""

    def echo(self, identifier: int, number: int) -> bytes:
        """An echo request."""

    def read_echo(self, packet: bytes, identifier: int) -> int | None:
        """The number of our echo request in a packet from such a socket; None if it is not a reply to one of ours."""


def listen(interface: str, frame_filter: Filter) -> socket.socket:
    """A socket that receives the filtered frames arriving on an interface, and sends on it (packet(7)).

    The protocol is ETH_P_ALL: a socket for a single protocol never receives what a bridge takes from its ports.
    """
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in frame_filter))
    program = struct.pack("@HP", len(frame_filter), ctypes.addressof(code))
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
