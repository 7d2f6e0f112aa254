"""A preset: an application whose services are known, and what differs from site to site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from builder.spec.values import AnyAddress, FilePath, Flag, HostName, Label, Part, Text

PresetName = Literal["exchange2010", "exchange2013"]
Mail = Literal["smtp", "submission", "imaps", "pop3s"]


class PresetServer(Part):
    """One server of the application; its ports are the preset's."""

    name: Label
    """Its name in HAProxy's log and statistics."""
    address: AnyAddress
    """Its address."""
    weight: Annotated[int, Field(ge=0, le=256, strict=True)] = 1
    """Its share beside the other servers' weights; 0 for none."""
    backup: Flag = False
    """Whether it gets requests only when no other server is well."""


class Preset(Part):
    """All services of one application."""

    preset: PresetName
    """The application."""
    name: Label = "exchange"
    """What the names of its services begin with."""
    vips: tuple[AnyAddress, ...] = ()
    """The VIPs that it is on; left out, all of them."""
    hosts: Annotated[tuple[HostName, ...], Field(min_length=1, examples=[["mail.example.com"]])]
    """Names that clients use."""
    tls: Literal["bridge", "offload", "passthrough"] = "bridge"
    """`bridge` ends TLS and speaks it anew to the servers; `offload` speaks plain HTTP to them; `passthrough`
    leaves TLS to them, so that HAProxy sees no requests."""
    certificate: Label | None = None
    """The certificate to show; `passthrough` needs none."""
    authority: FilePath | None = None
    """PEM file of the authority of the servers' certificates; left out, they are not verified."""
    mail: tuple[Mail, ...] = ("smtp", "submission", "imaps", "pop3s")
    """The mail protocols beside the web."""
    hsts: Annotated[int, Field(ge=0, le=63_072_000, strict=True)] | None = None
    """Seconds for which browsers are told to use https only (RFC 6797); left out, they are told nothing."""
    maintenance: Text | None = None
    """What a page says when no server is well; left out, HAProxy's own words."""
    servers: Annotated[tuple[PresetServer, ...], Field(min_length=1)]
    """The servers."""
