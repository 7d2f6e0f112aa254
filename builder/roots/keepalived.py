"""keepalived as a program that is compiled: usr/local/sbin/keepalived and its init script."""

from __future__ import annotations

from pathlib import Path

from builder.layers import Outline
from builder.roots import compiled
from builder.roots.compiled import Product
from builder.roots.workshop import Workshop


def product(version: str, *, snmp: bool = False) -> Product:
    """That version, with SNMP where it is wanted."""
    if snmp:
        return Product("keepalived", version, ("openssl", "libnl", "snmp"), ("--enable-snmp",))
    return Product("keepalived", version, ("openssl", "libnl"))


def build(workshop: Workshop, version: str, *, offline: bool, snmp: bool = False) -> Path:
    """A tar of it, rooted at /; from the cache or compiled now (builder.roots.compiled)."""
    return compiled.build(product(version, snmp=snmp), workshop, offline=offline)


def outline(workshop: Workshop, version: str, *, snmp: bool = False) -> Outline:
    """What it depends on."""
    return compiled.outline(product(version, snmp=snmp), workshop)
