"""A problem in a spec's data before it has a line number, and access to data that may have any shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from builder.spec import syntax
from builder.spec.values import IpAddress

Loc = tuple[str | int, ...]
"""Keys and list positions from the root: ("nodes", 1, "address")."""

ANY = "*"
"""In a pattern: every entry of a list."""
VIPS = (("vrrp", "vips", ANY), ("vrrp", "instances", ANY, "vips", ANY))
"""The places of VIPs, in either form of vrrp."""

ONE_OF = MappingProxyType(
    {
        "certificates": "certificate",
        "dns": "name server",
        "hosts": "host",
        "instances": "instance",
        "mail": "mail protocol",
        "nodes": "node",
        "paths": "path",
        "presets": "preset",
        "recipients": "recipient",
        "routes": "route",
        "search": "search domain",
        "servers": "server",
        "services": "service",
        "ssh_keys": "SSH key",
        "trusted_proxies": "trusted proxy",
        "vips": "VIP",
    }
)
"""What messages call an entry of each list."""


@dataclass(frozen=True)
class Problem:
    """Something wrong at one place. `shows_value` is whether a message quotes the value there."""

    loc: Loc
    reason: str
    hint: str = ""
    shows_value: bool = True


def named(loc: Loc) -> str:
    """A place in words: `address of node 2`."""
    words: list[str] = []
    for part in loc:
        if isinstance(part, int) and words:
            words[-1] = f"{ONE_OF.get(words[-1], words[-1])} {part + 1}"
        else:
            words.append(str(part))
    return " of ".join(reversed(words)) or "the spec"


def the(loc: Loc) -> str:
    """A place within a sentence: `the address of node 2`, but `VIP 1 of vrrp`."""
    return f"the {named(loc)}" if isinstance(loc[-1], str) else named(loc)


def values_at(data: object, *pattern: str | int) -> Iterator[tuple[Loc, object]]:
    """The values at all places that match the pattern, with their places."""
    if not pattern:
        yield (), data
        return
    head, *rest = pattern
    for key, value in _children(data, head):
        for loc, match in values_at(value, *rest):
            yield (key, *loc), match


def texts(data: object, *pattern: str | int) -> list[tuple[Loc, str]]:
    """The texts at the places that match the pattern."""
    return [(loc, value) for loc, value in values_at(data, *pattern) if isinstance(value, str)]


def numbers(data: object, *pattern: str | int) -> list[tuple[Loc, int]]:
    """The whole numbers at the places that match the pattern."""
    return [(loc, value) for loc, value in values_at(data, *pattern) if type(value) is int]


def vips(data: object) -> list[tuple[Loc, IpAddress]]:
    """Every VIP."""
    return [vip for pattern in VIPS for vip in addresses(data, *pattern)]


def addresses(data: object, *pattern: str | int) -> list[tuple[Loc, IpAddress]]:
    """The IP addresses at the places that match the pattern."""
    candidates = ((loc, _address(value)) for loc, value in values_at(data, *pattern))
    return [(loc, address) for loc, address in candidates if address is not None]


def _children(data: object, key: str | int) -> Iterator[tuple[str | int, object]]:
    if isinstance(data, list) and key == ANY:
        yield from enumerate(data)
    elif isinstance(data, list) and isinstance(key, int):
        yield key, data[key]
    elif isinstance(data, dict) and key in data:
        yield str(key), data[key]


def _address(value: object) -> IpAddress | None:
    try:
        address = syntax.any_address(value)
    except syntax.InvalidValue:
        return None
    return address if isinstance(address, IpAddress) else None


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The question whether the most similar candidate was meant; empty if none is similar."""
    near = get_close_matches(word.lower(), candidates, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else ""
