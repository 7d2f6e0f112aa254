"""Addresses as they stand in front of a port."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

IpAddress = IPv4Address | IPv6Address


def host(address: IpAddress | str) -> str:
    """The address; an IPv6 one in brackets (RFC 3986, section 3.2.2), for its own colons end there."""
    return f"[{address}]" if ":" in str(address) else str(address)


def place(address: IpAddress | str, port: int) -> str:
    """Address and port in one word: `192.168.56.10:80`, `[2001:db8:56::10]:80`."""
    return f"{host(address)}:{port}"
