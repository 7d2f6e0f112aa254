"""The checks of one service: what its mode can have, and that what it refers to is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.spec.faults import Fault, Loc, named
from builder.spec.keys import nearest
from builder.spec.model import Cluster
from builder.spec.preset import Preset
from builder.spec.service import Service

WEB_ONLY = ("routes", "root", "hsts", "maintenance", "redirect", "ntlm")
BODILESS = frozenset({*range(100, 200), 204, 205, 304})
"""Statuses of answers that have no body (RFC 9110, sections 15.2, 15.3.5, 15.3.6 and 15.4.5)."""
TLS_HINT = "list it under tls.certificates"


def faults(cluster: Cluster) -> Iterator[Fault]:
    """What is wrong with services and presets, each for itself."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        yield from _servers(service, loc)
        yield from _mode(service, loc)
        yield from _routes(service, loc)
        yield from _checks(service, loc)
        yield from _certificates(cluster, service.certificates, (*loc, "certificates"))
        yield from _vips(cluster, service.vips, loc)
    for index, preset in enumerate(cluster.presets):
        yield from _preset(cluster, preset, ("presets", index))


def _servers(service: Service, loc: Loc) -> Iterator[Fault]:
    routed = service.routes and all(route.servers for route in service.routes)
    if not service.servers and not service.redirect and not routed:
        yield Fault((*loc, "servers"), f"{named(loc)} has no servers", "add them under servers:", shows_value=False)
    if service.redirect and (service.servers or service.routes):
        yield Fault((*loc, "redirect"), f"{named(loc)} redirects every request, so it needs no servers or routes")


def _mode(service: Service, loc: Loc) -> Iterator[Fault]:
    if service.mode == "https" and not service.certificates:
        yield Fault(loc, f"{named(loc)} has mode https and no certificate", TLS_HINT, shows_value=False)
    if service.mode != "https" and service.certificates:
        yield Fault(
            (*loc, "certificates"), f"{named(loc)} has certificates and mode {service.mode}", "set mode: https"
        )
    if service.mode != "http" and service.redirect:
        yield Fault((*loc, "redirect"), f"{named(loc)} redirects to https from mode {service.mode}", "set mode: http")
    if service.mode == "http" and service.hsts is not None:
        yield Fault((*loc, "hsts"), "browsers heed hsts over https alone (RFC 6797, section 8.1)", "set mode: https")
    if service.is_web:
        return
    for key in WEB_ONLY:
        if getattr(service, key):
            yield Fault((*loc, key), f"{key} needs mode http or https", "in mode tcp HAProxy sees no requests")
    if service.affinity and service.affinity.by == "cookie":
        yield Fault((*loc, "affinity", "by"), "a cookie needs mode http or https", "use source")


def _routes(service: Service, loc: Loc) -> Iterator[Fault]:
    names = [route.name for route in service.routes]
    for index, route in enumerate(service.routes):
        own: Loc = (*loc, "routes", index)
        if not route.paths and not route.hosts:
            yield Fault(own, f"{named(own)} takes no request", "give it paths or hosts", shows_value=False)
        if route.name in names[:index]:
            yield Fault((*own, "name"), f"{named((*own, 'name'))} is given twice", "give every route its own name")


def _checks(service: Service, loc: Loc) -> Iterator[Fault]:
    """Health checks that no server can pass."""
    own = [((*loc, "routes", index, "check"), route.check) for index, route in enumerate(service.routes)]
    for place, check in (((*loc, "check"), service.check), *own):
        if check and check.body and check.status in BODILESS:
            reason = f"an answer with status {check.status} has no body, so no server is ever well"
            yield Fault((*place, "body"), reason, "leave out body, or give another status")


def _certificates(cluster: Cluster, names: Iterable[str], loc: Loc) -> Iterator[Fault]:
    known = [certificate.name for certificate in cluster.tls.certificates]
    for index, name in enumerate(names):
        if name not in known:
            yield Fault((*loc, index), "there is no certificate of this name", nearest(name, known) or TLS_HINT)


def _vips(cluster: Cluster, vips: Iterable[object], loc: Loc) -> Iterator[Fault]:
    for index, vip in enumerate(vips):
        if vip not in cluster.vrrp.vips:
            yield Fault((*loc, "vips", index), f"{named((*loc, 'vips', index))} is none of the VIPs of vrrp")


def _preset(cluster: Cluster, preset: Preset, loc: Loc) -> Iterator[Fault]:
    yield from _vips(cluster, preset.vips, loc)
    known = [certificate.name for certificate in cluster.tls.certificates]
    place = (*loc, "certificate")
    if preset.tls == "passthrough" and preset.certificate:
        yield Fault(place, "with tls: passthrough the servers show their own certificates", "remove the line")
    elif preset.tls != "passthrough" and not preset.certificate:
        yield Fault(
            loc, f"{named(loc)} names no certificate", "add certificate:, or tls: passthrough", shows_value=False
        )
    elif preset.certificate and preset.certificate not in known:
        hint = nearest(preset.certificate, known) or TLS_HINT
        yield Fault(place, "there is no certificate of this name", hint)
