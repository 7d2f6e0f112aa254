"""The sections `image`, `libvirt` and `tls` of a spec, and the checks within each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from builder.guests import all_guests
from builder.spec.problem import Problem, texts, values_at
from builder.spec.syntax import InvalidValue
from builder.spec.values import FilePath, Flag, InterfaceName, Label, OneOf, SpecModel, Url

EPEL_GUESTS = tuple(name for name, facts in all_guests().items() if facts.epel)
"""The guests that support EPEL."""
BASES = {name: facts.choice_of_bases for name, facts in all_guests().items() if facts.choice_of_bases}
"""The vendor's images that a spec can choose from, by guest."""
DEFAULTS = ", ".join(choice[0] for choice in BASES.values())

MIN_MEMORY_MIB = 512
MAX_MEMORY_MIB = 65536
LOCAL = "qemu:///system"
URI = re.compile(r"qemu(\+[a-z0-9]+)?://[!-~]*/(system|session)(\?[!-~]*)?")
PASSWORD = re.compile(r"//[^@?]*(:|%3a)[^@?]*@", re.IGNORECASE)
"""A colon, also an encoded one, before an @; the password itself may contain a slash."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def _as_name(value: object) -> object:
    """The text of a base that YAML reads as a number, such as 2009."""
    return str(value) if type(value) is int else value


Base = Annotated[
    str,
    OneOf(tuple(base for choice in BASES.values() for base in choice)),
    BeforeValidator(_as_name),
]


class Image(SpecModel):
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
    """The problems between values of `image`."""
    guest = next((str(value) for _, value in values_at(data, "guest")), "auto")
    yield from _base(data, guest)
    yield from _epel(data, guest)


def _base(data: object, guest: str) -> Iterator[Problem]:
    for loc, value in values_at(data, "image", "base"):
        owners = [name for name, choice in BASES.items() if str(value) in choice]
        if owners and guest in ("auto", *all_guests()) and guest not in owners:
            names = " or ".join(owners)
            reason = f"base selects a cloud image of {names}, but the guest is {guest}"
            yield Problem(loc, reason, f"set guest: {names}, or remove base")


def _epel(data: object, guest: str) -> Iterator[Problem]:
    places = [loc for loc, value in values_at(data, "image", "epel") if value is True]
    if guest in ("auto", *all_guests()) and guest not in EPEL_GUESTS:
        for loc in places:
            hint = f"set guest to one of them ({', '.join(EPEL_GUESTS)}), or remove epel"
            yield Problem(loc, f"EPEL is only for guests of the RPM family, but the guest is {guest}", hint)
    for loc, mirror in texts(data, "image", "epel_mirror"):
        if not places:
            yield Problem(loc, "epel_mirror has no effect without epel", "add epel: true")
        elif mirror.startswith("file:"):
            reason = "epel_mirror is a folder on this host, which the appliance cannot read"
            yield Problem(
                loc, reason, "serve it over HTTP, or remove epel_mirror: the bake takes no package from EPEL"
            )


def _uri(text: str) -> str:
    if not URI.fullmatch(text):
        raise InvalidValue("must be a libvirt URI of a QEMU host, such as qemu+ssh://root@kvm1/system")
    if PASSWORD.search(text):
        raise InvalidValue("must not contain a password", "use an SSH key or Kerberos")
    return text


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise InvalidValue("must be a name of 64 characters at most: letters, digits, dots, hyphens or underscores")
    return text


Uri = Annotated[str, AfterValidator(_uri), Field(examples=["qemu+ssh://root@kvm1/system"])]
Name = Annotated[str, AfterValidator(_name), Field(examples=["default"])]


class Libvirt(SpecModel):
    """Hosts, pool and network of the nodes, and the sizes of their machines."""

    hosts: Annotated[tuple[Uri, ...], Field(min_length=1, max_length=8)] = (LOCAL,)
    """libvirt's addresses of the hosts; nodes are assigned to them in turn, in the order of the spec."""
    pool: Name = "default"
    """Storage pool for images, disks and seeds."""
    network: Name | None = None
    """libvirt network of the nodes; the default is `default`, unless there is a bridge."""
    bridge: InterfaceName | None = None
    """The hosts' bridge for the nodes, instead of a network."""
    management_network: Name | None = None
    """libvirt network of the nodes' management cards."""
    management_bridge: InterfaceName | None = None
    """The hosts' bridge for the management cards, instead of a network."""
    disks: Literal["overlay", "copy"] = "overlay"
    """A node's disk: an `overlay` stores only the differences from the image and depends on it, a `copy` is
    independent."""
    virtualization: Literal["auto", "kvm", "qemu"] = "auto"
    """The type of the domains; `auto` uses kvm if the host supports it, and otherwise qemu, which emulates and is
    slow."""
    memory_mib: Annotated[int, Field(ge=MIN_MEMORY_MIB, le=MAX_MEMORY_MIB, strict=True)] = 1024
    """Memory of a node, in MiB."""
    cpus: Annotated[int, Field(ge=1, le=32, strict=True)] = 2
    """Virtual processors of a node."""


def libvirt_problems(data: object) -> Iterator[Problem]:
    """The problems between values of `libvirt`."""
    for network, bridge in (("network", "bridge"), ("management_network", "management_bridge")):
        if texts(data, "libvirt", network):
            for loc, _ in texts(data, "libvirt", bridge):
                reason = f"libvirt has both a {network} and a {bridge}"
                yield Problem(loc, reason, "a network card has one connection: remove one of the two")
    if not any(isinstance(section, dict) for _, section in values_at(data, "management")):
        for key in ("management_network", "management_bridge"):
            for loc, _ in texts(data, "libvirt", key):
                hint = f"add a section such as management: {{prefix: 24}}, or remove {key}"
                yield Problem(loc, f"{key} has no effect without the section management", hint)


class Certificate(SpecModel):
    """A certificate with its key. Both files are read when seeds are made, and travel only in them."""

    name: Label
    """Its name, by which services refer to it."""
    chain: FilePath
    """PEM file: the certificate, followed by the intermediate certificates that lead to its authority."""
    key: FilePath
    """PEM file of its private key, without a passphrase."""


class Tls(SpecModel):
    """Certificates, and the TLS settings for clients."""

    minimum: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that clients may use."""
    certificates: tuple[Certificate, ...] = ()
    """The certificates."""
