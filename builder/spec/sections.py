"""The sections `image`, `libvirt` and `tls` of a spec, and the checks within each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from builder.guests import all_guests
from builder.spec.problem import Problem, each, texts
from builder.spec.syntax import Unfit
from builder.spec.values import FilePath, Flag, InterfaceName, Label, OneOf, Part, Url

EPEL_GUESTS = tuple(name for name, facts in all_guests().items() if facts.epel)
"""The guests that can have EPEL."""
BASES = {name: facts.choice_of_bases for name, facts in all_guests().items() if facts.choice_of_bases}
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


def image_problems(data: object) -> Iterator[Problem]:
    """What does not go together in `image`."""
    guest = next((found for _, found in texts(data, "guest")), "auto")
    yield from _base(data, guest)
    yield from _epel(data, guest)


def _base(data: object, guest: str) -> Iterator[Problem]:
    if guest in BASES:
        return
    names = " or ".join(BASES)
    for loc, value in each(data, "image", "base"):
        if value is not None:
            reason = f"base is a cloud image of {names}, and the guest is {guest}"
            yield Problem(loc, reason, f"say guest: {names}, or remove the line")


def _epel(data: object, guest: str) -> Iterator[Problem]:
    asked = [loc for loc, value in each(data, "image", "epel") if value is True]
    if guest in ("auto", *all_guests()) and guest not in EPEL_GUESTS:
        for loc in asked:
            hint = f"name one of them as guest ({', '.join(EPEL_GUESTS)}), or remove the line"
            yield Problem(loc, f"EPEL is for guests of the RPM family, and the guest is {guest}", hint)
    for loc, mirror in texts(data, "image", "epel_mirror"):
        if not asked:
            yield Problem(loc, "epel_mirror is the mirror of a repository that is not asked for", "add epel: true")
        elif mirror.startswith("file:"):
            reason = "epel_mirror is a folder of this host, which means nothing in the appliance"
            yield Problem(loc, reason, "serve it by HTTP, or remove the line: the bake takes no package from EPEL")


LEAST_MEMORY = 512
MOST_MEMORY = 65536
LOCAL = "qemu:///system"

URI = re.compile(r"qemu(\+[a-z0-9]+)?://[!-~]*/(system|session)(\?[!-~]*)?")
PASSWORD = re.compile(r"//[^/@]*:[^/@]*@")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _uri(text: str) -> str:
    if not URI.fullmatch(text):
        raise Unfit("must be the address of a QEMU host as libvirt writes it, such as qemu+ssh://root@kvm1/system")
    if PASSWORD.search(text):
        raise Unfit("must hold no password", "use an SSH key, or a ticket of Kerberos")
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise Unfit("must be a name of 64 characters at most: letters, digits, dots, hyphens or underscores")
    return text


Uri = Annotated[str, AfterValidator(_uri), Field(examples=["qemu+ssh://root@kvm1/system"])]
Name = Annotated[str, AfterValidator(_name), Field(examples=["default"])]


class Libvirt(Part):
    """Hosts, pool and network of the nodes, and the sizes of their machines."""

    hosts: Annotated[tuple[Uri, ...], Field(min_length=1, max_length=8)] = (LOCAL,)
    """libvirt's addresses of the hosts; nodes are assigned to them in turn, in the order of the spec."""
    pool: Name = "default"
    """Storage pool for images, disks and seeds."""
    network: Name | None = None
    """libvirt network of the nodes; the default is `default`, unless there is a bridge."""
    bridge: InterfaceName | None = None
    """The hosts' bridge for the nodes, instead of a network."""
    disks: Literal["overlay", "copy"] = "overlay"
    """A node's disk: an `overlay` stores only the differences from the image and depends on it, a `copy` is
    independent."""
    virtualization: Literal["auto", "kvm", "qemu"] = "auto"
    """The type of the domains; `auto` uses kvm if the host supports it, and otherwise qemu, which emulates and is
    slow."""
    memory_mib: Annotated[int, Field(ge=LEAST_MEMORY, le=MOST_MEMORY, strict=True)] = 1024
    """Memory of a node, in MiB."""
    cpus: Annotated[int, Field(ge=1, le=32, strict=True)] = 2
    """Virtual processors of a node."""


def libvirt_problems(data: object) -> Iterator[Problem]:
    """What does not go together in `libvirt`."""
    if texts(data, "libvirt", "network"):
        for loc, _ in texts(data, "libvirt", "bridge"):
            yield Problem(loc, "libvirt has a network and a bridge", "a node has one card: remove one of the two")


class Certificate(Part):
    """A certificate with its key. Both files are read when seeds are made, and travel only in them."""

    name: Label
    """Its name, by which services refer to it."""
    chain: FilePath
    """PEM file: the certificate, followed by the intermediate certificates that lead to its authority."""
    key: FilePath
    """PEM file of its private key, without a passphrase."""


class Tls(Part):
    """Certificates, and the TLS settings for clients."""

    minimum: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that clients may use."""
    certificates: tuple[Certificate, ...] = ()
    """The certificates."""
