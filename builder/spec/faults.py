"""A fault of the spec's data, before it has a line: where in the data it is, and how that place is called."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

Loc = tuple[str | int, ...]
"""Keys and list positions from the root: ("nodes", 1, "address")."""

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
        "vips": "VIP",
    }
)
"""What an entry of each list is called."""


@dataclass(frozen=True)
class Fault:
    """One fault. `shows_value` is whether the value there tells the reader more."""

    loc: Loc
    reason: str
    hint: str = ""
    shows_value: bool = True


def named(loc: Loc) -> str:
    """What a person calls that place: `address of node 2`."""
    words: list[str] = []
    for part in loc:
        if isinstance(part, int) and words:
            words[-1] = f"{ONE_OF.get(words[-1], words[-1])} {part + 1}"
        else:
            words.append(str(part))
    return " of ".join(reversed(words)) or "the spec"


def the(loc: Loc) -> str:
    """The same in the middle of a sentence: `the address of node 2`, but `VIP 1 of vrrp`."""
    return f"the {named(loc)}" if isinstance(loc[-1], str) else named(loc)
