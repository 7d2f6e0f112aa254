"""Checks of services and presets: servers, modes, routes, health checks, certificates, and conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builder.spec.backends import Backend, CookieMeaning, backends, cookie_meaning
from builder.spec.model import Cluster
from builder.spec.presets import Preset
from builder.spec.problem import Loc, Problem, named, nearest, the
from builder.spec.service import Service
from builder.spec.values import IpAddress

WEB_ONLY = ("routes", "root", "hsts", "maintenance", "redirect", "ntlm")
BODILESS = frozenset({*range(100, 200), 204, 205, 304})
"""Status codes of responses without a body (RFC 9110, sections 15.2, 15.3.5, 15.3.6 and 15.4.5)."""
TLS_HINT = "list it under tls.certificates"


def service_problems(cluster: Cluster) -> Iterator[Problem]:
    """The problems within each service and each preset."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        yield from _servers(service, loc)
        yield from _redirect(cluster, service, loc)
        yield from _proxies(service, loc)
        yield from _mode(service, loc)
        yield from _routes(service, loc)
        yield from _checks(service, loc)
        yield from _certificates(cluster, service.certificates, (*loc, "certificates"))
        yield from _vips(cluster, service.vips, loc)
    for index, preset in enumerate(cluster.presets):
        yield from _preset(cluster, preset, ("presets", index))


def _servers(service: Service, loc: Loc) -> Iterator[Problem]:
    routed = service.routes and all(route.servers for route in service.routes)
    redirected = service.redirect and not service.routes
    if not service.servers and not redirected and not routed:
        yield Problem((*loc, "servers"), f"{named(loc)} has no servers", "add them under servers:", shows_value=False)


def _redirect(cluster: Cluster, service: Service, loc: Loc) -> Iterator[Problem]:
    """A redirect that leads nowhere, to several ports or back to a proxy; servers that get no requests."""
    if not service.redirect:
        return
    place = (*loc, "redirect")
    ports = cluster.redirect_ports(service)
    proxies = cluster.proxies_before(service)
    missing = next((vip for vip, port in ports.items() if port is None), None)
    if missing is not None:
        hint = "add a service with mode: https on the same VIPs, or list trusted_proxies: that offer it"
        yield Problem(place, f"{named(loc)} redirects to https, which {missing} does not offer", hint)
    elif len(set(ports.values())) > 1:
        found = " and ".join(f"{vip} on port {port}" for vip, port in ports.items())
        hint = "add such a service for each of them, with vips:"
        yield Problem(place, f"{named(loc)} redirects to https, which {found} offer", hint)
    routed = any(not route.servers for route in service.routes)
    if service.servers and not proxies and not routed:
        hint = "remove servers:, or list under trusted_proxies: the proxies that clients reach over https"
        yield Problem(
            place, f"{named(loc)} redirects every request that matches no route, so it needs no servers", hint
        )
    if service.trusted_proxies and not service.servers:
        reason = f"{named(loc)} does not redirect what a trusted proxy received over https, and has no servers for it"
        yield Problem(place, reason, "add them under servers:")


def _proxies(service: Service, loc: Loc) -> Iterator[Problem]:
    if service.trusted_proxies and not service.is_web and not service.proxy_protocol.accept:
        reason = f"in mode tcp a trusted proxy has no headers, and {named(loc)} does not accept the PROXY protocol"
        yield Problem((*loc, "trusted_proxies"), reason, "add proxy_protocol: {accept: true}, or remove the line")


def _mode(service: Service, loc: Loc) -> Iterator[Problem]:
    if service.mode == "https" and not service.certificates:
        yield Problem(loc, f"{named(loc)} has mode https and no certificate", TLS_HINT, shows_value=False)
    if service.mode != "https" and service.certificates:
        yield Problem(
            (*loc, "certificates"), f"{named(loc)} has certificates and mode {service.mode}", "set mode: https"
        )
    if service.mode != "http" and service.redirect:
        yield Problem(
            (*loc, "redirect"), f"{named(loc)} redirects to https from mode {service.mode}", "set mode: http"
        )
    if service.mode == "http" and service.hsts is not None:
        yield Problem((*loc, "hsts"), "browsers honor hsts only over https (RFC 6797, section 8.1)", "set mode: https")
    if service.is_web:
        return
    for key in WEB_ONLY:
        if getattr(service, key):
            yield Problem((*loc, key), f"{key} needs mode http or https", "in mode tcp HAProxy sees no requests")
    if service.affinity and service.affinity.by == "cookie":
        yield Problem((*loc, "affinity", "by"), "a cookie needs mode http or https", "use source")


def _routes(service: Service, loc: Loc) -> Iterator[Problem]:
    names = [route.name for route in service.routes]
    for index, route in enumerate(service.routes):
        own: Loc = (*loc, "routes", index)
        if not route.paths and not route.hosts:
            yield Problem(own, f"{named(own)} matches no request", "give it paths or hosts", shows_value=False)
        if route.name in names[:index]:
            yield Problem((*own, "name"), f"{named((*own, 'name'))} is used twice", "give every route a unique name")


def _checks(service: Service, loc: Loc) -> Iterator[Problem]:
    """Health checks that no server can pass."""
    own = [((*loc, "routes", index, "check"), route.check) for index, route in enumerate(service.routes)]
    for place, check in (((*loc, "check"), service.check), *own):
        if check and check.body and check.status in BODILESS:
            reason = f"a response with status {check.status} has no body, so no server can ever be healthy"
            yield Problem((*place, "body"), reason, "remove body, or set another status")


def _certificates(cluster: Cluster, names: Iterable[str], loc: Loc) -> Iterator[Problem]:
    known = [certificate.name for certificate in cluster.tls.certificates]
    for index, name in enumerate(names):
        if name not in known:
            yield Problem((*loc, index), "there is no certificate with this name", nearest(name, known) or TLS_HINT)


def _vips(cluster: Cluster, vips: Iterable[object], loc: Loc) -> Iterator[Problem]:
    for index, vip in enumerate(vips):
        if vip not in cluster.vrrp.vips:
            yield Problem((*loc, "vips", index), f"{named((*loc, 'vips', index))} is not one of the VIPs of vrrp")


def _preset(cluster: Cluster, preset: Preset, loc: Loc) -> Iterator[Problem]:
    yield from _vips(cluster, preset.vips, loc)
    known = [certificate.name for certificate in cluster.tls.certificates]
    place = (*loc, "certificate")
    if preset.tls == "passthrough" and preset.certificate:
        yield Problem(place, "with tls: passthrough the servers present their own certificates", "remove the line")
    elif preset.tls != "passthrough" and not preset.certificate:
        yield Problem(
            loc, f"{named(loc)} names no certificate", "add certificate:, or tls: passthrough", shows_value=False
        )
    elif preset.certificate and preset.certificate not in known:
        hint = nearest(preset.certificate, known) or TLS_HINT
        yield Problem(place, "there is no certificate with this name", hint)


def listener_problems(cluster: Cluster) -> Iterator[Problem]:
    """Conflicts between presets and services; `builder.spec.checks.addresses` compares the services."""
    yield from _cookies(cluster)
    placed = cluster.placed_services()
    if not placed:
        yield Problem(("services",), "the spec has no services", "add services: or presets: (docs/services.md)")
    yield from _ports(cluster, placed)
    yield from _names(placed)


def _ports(cluster: Cluster, placed: list[tuple[Loc, Service]]) -> Iterator[Problem]:
    """A preset and another preset or service that listen on the same port of a VIP."""
    taken: dict[tuple[IpAddress, int], Loc] = {}
    reported = set()
    for loc, service in placed:
        for vip in service.vips or cluster.vrrp.vips:
            first = taken.setdefault((vip, service.port), loc)
            if first != loc and loc[0] == "presets" and (loc, service.port) not in reported:
                reported.add((loc, service.port))
                reason = f"{named(loc)} listens on port {service.port} of {vip}, and so does {the(first)}"
                yield Problem(loc, reason, "give them different VIPs, or remove one", shows_value=False)


def _names(placed: list[tuple[Loc, Service]]) -> Iterator[Problem]:
    """Names that would occur twice in haproxy.cfg: those of services, and of routes with their service's prefix."""
    taken: dict[str, Loc] = {}
    for loc, service in placed:
        for name in (service.name, *(f"{service.name}-{route.name}" for route in service.routes)):
            first = taken.setdefault(name, loc)
            if first != loc and not (loc[0] == first[0] == "services" and name == service.name):
                reason = f"{named(loc)} needs the name {name}, which {the(first)} already has"
                yield Problem(loc, reason, "give one of them another name", shows_value=False)


def _cookies(cluster: Cluster) -> Iterator[Problem]:
    """Cookies that the spec names for two sets of servers: to one of them, the other's value means nothing."""
    taken: dict[tuple[str, IpAddress], tuple[Loc, CookieMeaning]] = {}
    for loc, service, backend in _own_backends(cluster):
        if not backend.cookie:
            continue
        meaning = cookie_meaning(service, backend)
        vips = service.vips or cluster.vrrp.vips
        found = [taken.setdefault((backend.cookie, vip), (loc, meaning)) for vip in vips]
        other = next((first for first, its in found if its != meaning), None)
        if other is not None:
            reason = f"cookie {backend.cookie} already stands for the servers of {the(other)}"
            yield Problem((*loc, "affinity", "cookie"), reason, "give it another name, or leave it out")


def _own_backends(cluster: Cluster) -> Iterator[tuple[Loc, Service, Backend]]:
    """Every backend of the services, each service's own first, with its place in the spec."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        routes = {f"{service.name}-{route.name}": number for number, route in enumerate(service.routes)}
        for backend in sorted(backends(service), key=lambda each: each.name in routes):
            place = (*loc, "routes", routes[backend.name]) if backend.name in routes else loc
            yield place, service, backend
