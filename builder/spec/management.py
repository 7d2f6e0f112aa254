"""The nodes' network cards: their names and hardware addresses, and the section `management` for a second card."""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from builder.spec.syntax import InvalidValue
from builder.spec.values import Address, Flag, Prefix, SpecModel

UNROUTED = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
"""Destinations that no router forwards: this network, loopback, link-local (RFC 6890), multicast and reserved ones."""


def _card_name(text: str) -> str:
    """The name of a guest's network card, or `auto`. Every guest boots with net.ifnames=0."""
    if not re.fullmatch(r"auto|eth[0-9]{1,2}", text):
        raise InvalidValue(
            "must be auto or a name such as eth0",
            "the guests name their cards eth0, eth1 and so on; auto takes eth0, or the card with the node's mac",
        )
    return text


def _mac_address(text: str) -> str:
    """The hardware address of one card, in lower case. The lowest bit of its first byte would mark a group."""
    if not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", text):
        raise InvalidValue("must be a hardware address such as 52:54:00:1a:2b:3c", "separate its bytes by colons")
    if int(text[:2], 16) & 1 or not int(text.replace(":", ""), 16):
        raise InvalidValue(
            "must be the hardware address of one card", "copy the card's own address; this one is reserved"
        )
    return text.lower()


def subnet(value: object) -> IPv4Network:
    """An IPv4 network with its prefix length; not the default route, and no bits of a host."""
    if isinstance(value, IPv4Network):
        return value
    try:
        parsed = IPv4Interface(value if isinstance(value, str) and "/" in value else "").network
    except ValueError:
        raise InvalidValue("must be a network such as 10.20.0.0/16") from None
    if parsed.prefixlen == 0:
        raise InvalidValue("must not be every network", "list the networks; network.gateway is the default route")
    if str(parsed) == value and any(parsed.overlaps(each) for each in UNROUTED):
        reason = f"must not reach into {', '.join(map(str, UNROUTED[:-1]))} or {UNROUTED[-1]}"
        raise InvalidValue(
            reason, "no router forwards these; list the networks behind the router, such as 10.20.0.0/16"
        )
    if str(parsed) != value:
        raise InvalidValue("must be the address of a network, not of a host", f"write {parsed}")
    return parsed


CardName = Annotated[str, AfterValidator(_card_name), Field(examples=["auto", "eth0"])]
MacAddress = Annotated[str, AfterValidator(_mac_address), Field(examples=["52:54:00:1a:2b:3c"])]
Subnet = Annotated[IPv4Network, BeforeValidator(subnet), Field(examples=["10.20.0.0/16"])]


class ManagementRoute(SpecModel):
    """A network that the nodes reach through their management cards."""

    to: Subnet
    """The network, with its prefix length."""
    via: Address
    """The router, in the management subnet."""


class Management(SpecModel):
    """A second network card of every node, on a network of its own, without VIPs and VRRP."""

    prefix: Prefix
    """Prefix length of the management subnet, in bits."""
    interface: CardName = "auto"
    """The card; `auto` is the one that `network.interface` leaves, `eth1` as a rule."""
    routes: tuple[ManagementRoute, ...] = ()
    """Networks behind routers of the management subnet, such as that of the operators; no default route."""
    ssh: Flag = True
    """Whether SSH listens on the management addresses, and only there."""
    statistics: Flag = True
    """Whether the statistics page listens on the management addresses, and only there."""
    snmp: Flag = True
    """Whether snmpd listens on the management addresses, and only there, and answers the management subnet."""
