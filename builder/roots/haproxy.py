"""HAProxy as a program that is compiled, where a spec wants a newer one than the guest has: usr/local/sbin/haproxy."""

from __future__ import annotations

from pathlib import Path

from builder.layers import Outline
from builder.roots import compiled
from builder.roots.compiled import Product
from builder.roots.workshop import Library, Workshop
from builder.spec.features import release

SPEAKS_TO_SYSTEMD = (3, 0)
"""The first release that tells systemd by itself that it is ready (`-Ws`); older ones need libsystemd."""


def build(workshop: Workshop, version: str, *, offline: bool) -> Path:
    """A tar of it, rooted at /; from the cache or compiled now (builder.roots.compiled)."""
    return compiled.build(_product(version), workshop, offline=offline)


def outline(workshop: Workshop, version: str) -> Outline:
    """What it depends on."""
    return compiled.outline(_product(version), workshop)


def _product(version: str) -> Product:
    older: tuple[Library, ...] = ("systemd",) if release(version) < SPEAKS_TO_SYSTEMD else ()
    return Product("haproxy", version, ("openssl", *older))
