"""The appliance's disk, and the source of its packages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from builder.guests import known
from builder.spec.faults import Fault
from builder.spec.lookup import each, texts
from builder.spec.values import Flag, OneOf, Part, Url

EPEL_GUESTS = tuple(name for name, facts in known().items() if facts.epel)
"""The guests that can have EPEL."""
BASES = {name: facts.choice_of_bases for name, facts in known().items() if facts.choice_of_bases}
"""The vendor's images that a spec can choose from, by guest."""
DEFAULTS = ", ".join(choice[0] for choice in BASES.values())


def _as_name(value: object) -> object:
    """YAML reads 2009 as a number."""
    return str(value) if type(value) is int else value


Base = Annotated[
    str,
    OneOf(tuple(base for choice in BASES.values() for base in choice)),
    BeforeValidator(_as_name),
]


class Image(Part):
    """The disk, and the source of its packages."""

    disk_gib: Annotated[int, Field(ge=2, le=64, strict=True)] = 4
    """Virtual size of the disk, in GiB."""
    base: Base | None = Field(
        default=None,
        description=f"The vendor's cloud image that a bake of {' or '.join(BASES)} starts from; "
        f"the default is the last one, {DEFAULTS}.",
    )
    mirror: Url | None = None
    """Package mirror of the guest; the default is the host's own mirror (Debian) or the vendor's (the RPM family)."""
    epel: Flag = False
    """Whether the appliance has the EPEL repository (the RPM family); the bake installs no package from it."""
    epel_mirror: Annotated[Url, Field(examples=["http://mirror.example.com/epel/7"])] | None = None
    """Mirror of EPEL's folder for the release; the default is EPEL's server or, for an old release, its archive."""


def faults(data: object) -> Iterator[Fault]:
    """What does not go together in `image`."""
    guest = next((found for _, found in texts(data, "guest")), "auto")
    yield from _base(data, guest)
    yield from _epel(data, guest)


def _base(data: object, guest: str) -> Iterator[Fault]:
    if guest in BASES:
        return
    names = " or ".join(BASES)
    for loc, value in each(data, "image", "base"):
        if value is not None:
            reason = f"base is a cloud image of {names}, and the guest is {guest}"
            yield Fault(loc, reason, f"say guest: {names}, or remove the line")


def _epel(data: object, guest: str) -> Iterator[Fault]:
    asked = [loc for loc, value in each(data, "image", "epel") if value is True]
    if guest in ("auto", *known()) and guest not in EPEL_GUESTS:
        for loc in asked:
            hint = f"name one of them as guest ({', '.join(EPEL_GUESTS)}), or remove the line"
            yield Fault(loc, f"EPEL is for guests of the RPM family, and the guest is {guest}", hint)
    for loc, mirror in texts(data, "image", "epel_mirror"):
        if not asked:
            yield Fault(loc, "epel_mirror is the mirror of a repository that is not asked for", "add epel: true")
        elif mirror.startswith("file:"):
            reason = "epel_mirror is a folder of this host, which means nothing in the appliance"
            yield Fault(loc, reason, "serve it by HTTP, or remove the line: the bake takes no package from EPEL")
