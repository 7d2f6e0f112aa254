"""Checks for keys without effect, which another value of the same service or preset makes meaningless.

Those of health checks are in `builder.spec.checks.health`.
"""

from __future__ import annotations

from collections.abc import Iterator

from builder.spec.backends import backends
from builder.spec.model import Cluster
from builder.spec.presets import Preset
from builder.spec.problem import Loc, Problem, decidable, named
from builder.spec.service import Affinity, Service
from builder.spec.values import SpecModel

SERVER_KEYS: tuple[Loc, ...] = (
    ("balance",),
    ("root",),
    ("check",),
    ("affinity",),
    ("reencrypt",),
    ("limits", "per_server"),
    ("close_sessions", "server_down"),
    ("close_sessions", "primary_returns"),
    ("proxy_protocol", "send"),
    ("ntlm",),
    ("maintenance",),
)
"""The keys of a service for requests that get to a server."""
UNUSED = {"passthrough": ("authority", "hsts", "maintenance"), "offload": ("authority",), "bridge": ()}
"""The keys of a preset that each kind of `tls` leaves without effect."""


def effect_problems(cluster: Cluster) -> Iterator[Problem]:
    """The keys of services and presets that have no effect."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        yield from decidable(_redirected(service, loc))
        for route, own in enumerate(service.routes):
            yield from decidable(_affinity(service, own.affinity, (*loc, "routes", route, "affinity")))
        yield from decidable(_affinity(service, service.affinity, (*loc, "affinity")))
    for index, preset in enumerate(cluster.presets):
        for key in UNUSED[preset.tls]:
            yield from decidable(_unused(preset, key, ("presets", index)))


def _redirected(service: Service, loc: Loc) -> Iterator[Problem]:
    """Keys for servers of a service that redirects every request, unless its trusted proxies are to get servers."""
    if service.redirect and not service.trusted_proxies and not any(backends(service)):
        for key in SERVER_KEYS:
            yield from decidable(_without_servers(service, key, loc))


def _without_servers(service: Service, key: Loc, loc: Loc) -> Iterator[Problem]:
    model: SpecModel = service
    for part in key[:-1]:
        model = getattr(model, str(part))
    name = str(key[-1])
    if getattr(model, name) != type(model).model_fields[name].default:
        reason = f"{name} has no effect: {named(loc)} redirects every request, and has no servers"
        yield Problem((*loc, *key), reason, f"remove {name}")


def _affinity(service: Service, affinity: Affinity | None, loc: Loc) -> Iterator[Problem]:
    """The key of the other kind of affinity."""
    if affinity:
        key, other = ("minutes", "source") if affinity.by == "cookie" else ("cookie", "cookie")
        if key in affinity.model_fields_set:
            hint = f"remove {key}" + (f", or set by: {other}" if service.is_web or other == "source" else "")
            yield Problem((*loc, key), f"{key} has no effect with by: {affinity.by}", hint)


def _unused(preset: Preset, key: str, loc: Loc) -> Iterator[Problem]:
    if getattr(preset, key) is not None:
        hint = f"remove {key}, or set tls: bridge" + ("" if preset.certificate else " and name a certificate")
        yield Problem((*loc, key), f"{key} has no effect with tls: {preset.tls}", hint)
