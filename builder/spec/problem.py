"""A problem in a spec's data before it has a line number, and access to data that may have any shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Any, Never

from pydantic import ValidationError

from builder.spec import syntax

Loc = tuple[str | int, ...]
"""Keys and list positions from the root: ("nodes", 1, "address")."""

LONGEST_KEY = 40

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
        "ntp": "time server",
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


class UnreadableError(Exception):
    """A check asked for a value that the spec lacks, or that has a problem of its own."""


class Unreadable:
    """Stands for a value that has a problem of its own: whatever depends on it raises UnreadableError."""

    def _refuse(self, *_: object) -> Never:
        raise UnreadableError

    __getattr__ = __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = _refuse
    __eq__ = __hash__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __str__ = __format__ = __fspath__ = __int__ = __index__ = __float__ = __add__ = __radd__ = __sub__ = __rsub__ = (
        _refuse
    )


UNREADABLE = Unreadable()


def decidable(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of a check until it asks for an unreadable value, on which all its further problems may depend.

    A preset that is asked for its services passes its values on to them, which refuse an unreadable one themselves.
    """
    with suppress(UnreadableError, ValidationError):
        yield from problems


def key_shown(key: str) -> str:
    """A key as messages show it: on one line, in quotes and escaped if it is not a plain word, and not too long."""
    if key.isprintable() and 0 < len(key) <= LONGEST_KEY:
        return key
    return f"{key[:LONGEST_KEY]!a}" + ("…" if len(key) > LONGEST_KEY else "")


def named(loc: Loc) -> str:
    """A place in words: `address of node 2`."""
    words: list[str] = []
    for part in loc:
        if isinstance(part, int) and words:
            words[-1] = f"{ONE_OF.get(words[-1], words[-1])} {part + 1}"
        else:
            words.append(key_shown(str(part)))
    return " of ".join(reversed(words)) or "the spec"


def the(loc: Loc) -> str:
    """A place within a sentence: `the address of node 2`, but `VIP 1 of vrrp`."""
    return f"the {named(loc)}" if isinstance(loc[-1], str) else named(loc)


def values_at(data: object, *pattern: str | int) -> Iterator[tuple[Loc, object]]:
    """The values at all places that match the pattern, with their places; a key with null counts as missing."""
    if not pattern:
        yield (), data
        return
    head, *rest = pattern
    for key, value in _children(data, head):
        for loc, match in values_at(value, *rest):
            yield (key, *loc), match


def has(mapping: Mapping[Any, object], key: object) -> bool:
    """Whether a mapping has a value for the key. The model takes null for no value, and so must every check."""
    return mapping.get(key) is not None


def given(data: object, *pattern: str | int) -> bool:
    """Whether there is a value at any place that matches the pattern."""
    return any(True for _ in values_at(data, *pattern))


def texts(data: object, *pattern: str | int) -> list[tuple[Loc, str]]:
    """The texts at the places that match the pattern."""
    return [(loc, value) for loc, value in values_at(data, *pattern) if isinstance(value, str)]


def numbers(data: object, *pattern: str | int) -> list[tuple[Loc, int]]:
    """The whole numbers at the places that match the pattern."""
    return [(loc, value) for loc, value in values_at(data, *pattern) if type(value) is int]


def vips(data: object) -> list[tuple[Loc, IPv4Address | IPv6Address]]:
    """Every VIP."""
    return [vip for pattern in VIPS for vip in addresses(data, *pattern)]


def addresses(data: object, *pattern: str | int) -> list[tuple[Loc, IPv4Address | IPv6Address]]:
    """The IP addresses at the places that match the pattern."""
    candidates = ((loc, _address(value)) for loc, value in values_at(data, *pattern))
    return [(loc, address) for loc, address in candidates if address is not None]


def _children(data: object, key: str | int) -> Iterator[tuple[str | int, object]]:
    if isinstance(data, list) and key == ANY:
        yield from enumerate(data)
    elif isinstance(data, list) and isinstance(key, int):
        yield key, data[key]
    elif isinstance(data, dict) and has(data, key):
        yield str(key), data[key]


def _address(value: object) -> IPv4Address | IPv6Address | None:
    try:
        address = syntax.any_address(value)
    except syntax.InvalidValue:
        return None
    return address if isinstance(address, IPv4Address | IPv6Address) else None


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The question whether the most similar candidate was meant; empty if none is similar."""
    near = closest(word, candidates)
    return f"did you mean {near}?" if near else ""


def closest(word: str, candidates: Iterable[str]) -> str:
    """The most similar candidate; empty if none is similar."""
    return next(iter(get_close_matches(word.lower(), candidates, n=1, cutoff=0.7)), "")
