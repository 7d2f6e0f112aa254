"""Presets: one module per application, with functions that return the services of the application.

A module lists its presets in PRESETS. Everything a preset returns could also be written into the spec by hand.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Annotated, Literal

from pydantic import Field

from builder.spec.service import Service
from builder.spec.values import AnyAddress, FilePath, Flag, HostName, Label, SpecModel, Text

PresetName = Literal["exchange2010", "exchange2013"]
Mail = Literal["smtp", "submission", "imaps", "pop3s"]


class PresetServer(SpecModel):
    """One server of the application; its ports are the preset's."""

    name: Label
    """Its name in HAProxy's log and statistics."""
    address: AnyAddress
    """Its address."""
    weight: Annotated[int, Field(ge=0, le=256, strict=True)] = 1
    """Its share of the requests relative to the other servers' weights; 0 means none."""
    backup: Flag = False
    """Use the server only when no other server is healthy."""


class Preset(SpecModel):
    """All services of one application."""

    preset: PresetName
    """The application."""
    name: Label = "exchange"
    """The prefix of the names of its services."""
    vips: tuple[AnyAddress, ...] = ()
    """The VIPs that offer it; default: all of them."""
    hosts: Annotated[tuple[HostName, ...], Field(min_length=1, examples=[["mail.example.com"]])]
    """Names that clients use."""
    tls: Literal["bridge", "offload", "passthrough"] = "bridge"
    """`bridge` terminates TLS and re-encrypts to the servers; `offload` uses plain HTTP to them; `passthrough` leaves
    TLS to them, so that HAProxy sees no requests."""
    certificate: Label | None = None
    """The certificate to present; not needed with `passthrough`."""
    authority: FilePath | None = None
    """PEM file of the certificate authority of the servers' certificates; by default they are not verified."""
    mail: tuple[Mail, ...] = ("smtp", "submission", "imaps", "pop3s")
    """The mail protocols to offer in addition to the web services."""
    hsts: Annotated[int, Field(ge=0, le=63_072_000, strict=True)] | None = None
    """For how many seconds browsers must use only https (RFC 6797); by default no such header is sent."""
    maintenance: Text | None = None
    """The text of the page that clients get when no server is healthy; the default is HAProxy's own page."""
    servers: Annotated[tuple[PresetServer, ...], Field(min_length=1)]
    """The servers."""


@cache
def all_presets() -> dict[str, Callable[[Preset], tuple[Service, ...]]]:
    """Every preset by its name, with the function that returns its services."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {name: services for module in modules for name, services in module.PRESETS.items()}


def services_of(preset: Preset) -> tuple[Service, ...]:
    """The services that a preset stands for."""
    return all_presets()[preset.preset](preset)
