"""The appliance's disk, and the source of its packages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from builder.spec.faults import Fault
from builder.spec.lookup import each, texts
from builder.spec.values import Flag, Part, Url

EPEL_GUESTS = ("centos7", "rocky9")


def _as_name(value: object) -> object:
    """YAML reads 2009 as a number."""
    return str(value) if type(value) is int else value


class Image(Part):
    """The disk, and the source of its packages."""

    disk_gib: Annotated[int, Field(ge=2, le=64, strict=True)] = 4
    """Virtual size of the disk, in GiB."""
    base: Annotated[Literal["2211", "2009"], BeforeValidator(_as_name)] | None = None
    """The vendor's cloud image that a bake of centos7 starts from; the default is the last one, 2211."""
    mirror: Url | None = None
    """Package mirror of the guest; the default is the host's own mirror (debian12) or the vendor's (centos7,
    rocky9)."""
    epel: Flag = False
    """Whether the appliance has the EPEL repository (centos7, rocky9); the bake installs no package from it."""
    epel_mirror: Annotated[Url, Field(examples=["http://mirror.example.com/epel/7"])] | None = None
    """Mirror of EPEL's folder for the release; the default is EPEL's own archive (centos7) or server (rocky9)."""


def faults(data: object) -> Iterator[Fault]:
    """What does not go together in `image`."""
    asked = [loc for loc, value in each(data, "image", "epel") if value is True]
    guest = next((found for _, found in texts(data, "guest")), "auto")
    if guest != "centos7":
        for loc in [loc for loc, value in each(data, "image", "base") if value is not None]:
            reason = f"base is a cloud image of centos7, and the guest is {guest}"
            yield Fault(loc, reason, "say guest: centos7, or remove the line")
    if guest in ("auto", "debian12"):
        for loc in asked:
            hint = f"name one of them as guest ({', '.join(EPEL_GUESTS)}), or remove the line"
            yield Fault(loc, f"EPEL is for guests of the RPM family, and the guest is {guest}", hint)
    for loc, mirror in texts(data, "image", "epel_mirror"):
        if not asked:
            yield Fault(loc, "epel_mirror is the mirror of a repository that is not asked for", "add epel: true")
        elif mirror.startswith("file:"):
            reason = "epel_mirror is a folder of this host, which means nothing in the appliance"
            yield Fault(loc, reason, "serve it by HTTP, or remove the line: the bake takes no package from EPEL")
