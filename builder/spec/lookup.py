"""Values of a spec's data by their place, where the data may be broken elsewhere.

The checks between values use this and not the model, so that one bad value hides no other fault.
A value of the wrong kind is passed over here: the model reports it.
"""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec import syntax
from builder.spec.faults import Loc
from builder.spec.places import IpAddress

ANY = "*"
"""In a pattern: every entry of a list."""
VIPS = (("vrrp", "vips", ANY), ("vrrp", "instances", ANY, "vips", ANY))
"""The places of VIPs, in either form of vrrp."""


def each(data: object, *pattern: str | int) -> Iterator[tuple[Loc, object]]:
    """Every value at a place that the pattern fits, with that place."""
    if not pattern:
        yield (), data
        return
    head, *rest = pattern
    for key, value in _children(data, head):
        for loc, found in each(value, *rest):
            yield (key, *loc), found


def texts(data: object, *pattern: str | int) -> list[tuple[Loc, str]]:
    """The texts at the places that the pattern fits."""
    return [(loc, value) for loc, value in each(data, *pattern) if isinstance(value, str)]


def numbers(data: object, *pattern: str | int) -> list[tuple[Loc, int]]:
    """The whole numbers at the places that the pattern fits."""
    return [(loc, value) for loc, value in each(data, *pattern) if type(value) is int]


def vips(data: object) -> list[tuple[Loc, IpAddress]]:
    """Every VIP."""
    return [found for pattern in VIPS for found in addresses(data, *pattern)]


def addresses(data: object, *pattern: str | int) -> list[tuple[Loc, IpAddress]]:
    """The IP addresses at the places that the pattern fits."""
    found = ((loc, _address(value)) for loc, value in each(data, *pattern))
    return [(loc, address) for loc, address in found if address is not None]


def _children(data: object, key: str | int) -> Iterator[tuple[str | int, object]]:
    if isinstance(data, list) and key == ANY:
        yield from enumerate(data)
    elif isinstance(data, list) and isinstance(key, int):
        yield key, data[key]
    elif isinstance(data, dict) and key in data:
        yield str(key), data[key]


def _address(value: object) -> IpAddress | None:
    try:
        found = syntax.any_address(value)
    except syntax.Unfit:
        return None
    return found if isinstance(found, IpAddress) else None
