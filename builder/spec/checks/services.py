"""Checks of services and presets: servers, modes, routes, health checks, certificates, and conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.spec.backends import HTTPS, PEERS_PORT, Backend, CookieMeaning, backends, cookie_meaning, has_tables
from builder.spec.model import Cluster
from builder.spec.presets import Preset, services_of
from builder.spec.problem import Loc, Problem, decidable, named, nearest, the
from builder.spec.service import Route, Service
from builder.spec.syntax import LONGEST_LABEL
from builder.spec.values import IpAddress

WEB_ONLY = ("routes", "root", "maintenance", "ntlm")
TLS_HINT = "list it under tls.certificates"
TLS_PORTS = (443, 8443)
"""Where web clients speak TLS."""


def service_problems(cluster: Cluster) -> Iterator[Problem]:
    """The problems within each service and each preset."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        for check in (_servers, _weights, _redirect_mode, _proxies, _tls, _hsts, _web, _cookie, _routes):
            yield from decidable(check(service, loc))
        for of_service in (_redirect, _named_certificates, _vips):
            yield from decidable(of_service(cluster, service, loc))
    for index, preset in enumerate(cluster.presets):
        yield from decidable(_weights(preset, ("presets", index)))
        for of_preset in (_vips, _preset_name, _preset_certificate):
            yield from decidable(of_preset(cluster, preset, ("presets", index)))


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
    elif service.port != HTTPS and (plain := _plain(cluster, ports)):
        reason = f"{named(loc)} redirects to https, but {the(plain)} speaks http on that port"
        yield Problem(place, reason, f"give {the(plain)} another port, or mode: https and a certificate")
    routed = any(not route.servers for route in service.routes)
    if service.servers and not proxies and not routed:
        hint = "remove servers:, or list under trusted_proxies: the proxies that clients reach over https"
        yield Problem(
            place, f"{named(loc)} redirects every request that matches no route, so it needs no servers", hint
        )
    elif service.servers and proxies and not routed and service.proxy_protocol.accept:
        reason = (
            f"after the PROXY protocol, headers are the client's and do not tell {named(loc)} what came over https"
        )
        hint = "remove proxy_protocol:, and let the trusted proxies send headers alone"
        yield Problem((*loc, "proxy_protocol", "accept"), reason, hint)
    if service.trusted_proxies and not service.servers:
        reason = f"{named(loc)} does not redirect what a trusted proxy received over https, and has no servers for it"
        yield Problem(place, reason, "add them under servers:")


def _plain(cluster: Cluster, ports: Mapping[IpAddress, int | None]) -> Loc | None:
    """The place of a service without TLS that a redirect to https leads to."""
    for loc, other in cluster.placed_services():
        if other.mode == "http" and any(ports.get(vip) == other.port for vip in other.vips or ports):
            return loc
    return None


def _weights(owner: Service | Route | Preset, loc: Loc) -> Iterator[Problem]:
    if owner.servers and not any(server.weight for server in owner.servers):
        place = (*loc, "servers")
        reason = f"the weights of {named(place)} are all 0, so no server gets any requests"
        yield Problem(place, reason, "give one of them a weight of 1 or more", shows_value=False)


def _proxies(service: Service, loc: Loc) -> Iterator[Problem]:
    if service.trusted_proxies and not service.is_web and not service.proxy_protocol.accept:
        reason = f"in mode tcp a trusted proxy has no headers, and {named(loc)} does not accept the PROXY protocol"
        yield Problem(
            (*loc, "trusted_proxies"), reason, "add proxy_protocol: {accept: true}, or remove trusted_proxies"
        )


def _redirect_mode(service: Service, loc: Loc) -> Iterator[Problem]:
    if service.redirect and service.mode != "http":
        hint = "set mode: http" + (", and remove certificates" if service.certificates else "")
        yield Problem((*loc, "redirect"), f"{named(loc)} redirects to https from mode {service.mode}", hint)
    elif service.redirect and service.port == HTTPS:
        reason = f"{named(loc)} redirects to https from port {HTTPS}, where clients speak TLS already"
        yield Problem((*loc, "port"), reason, "choose another port, such as 80")


def _tls(service: Service, loc: Loc) -> Iterator[Problem]:
    if service.mode == "https" and not service.certificates and not service.redirect:
        hint = "add certificates: with the name of a certificate of tls.certificates"
        yield Problem(loc, f"{named(loc)} has mode https and no certificate", hint, shows_value=False)
    if service.mode != "https" and service.certificates:
        hint = "remove certificates" if service.redirect else "set mode: https"
        reason = f"{named(loc)} has certificates and mode {service.mode}"
        yield Problem((*loc, "certificates"), reason, _pass_tls(service) if service.mode == "tcp" else hint)


def _pass_tls(service: Service) -> str:
    """How a service of mode tcp passes the clients' TLS on, which `reencrypt` would wrap in TLS once more."""
    checked = service.check is not None and not service.check.port and not service.check.tls
    if not service.reencrypt:
        return "remove certificates: in mode tcp the servers present their own"
    also = ", and set tls: true for the check" if checked else ""
    return f"remove certificates and reencrypt{also}: in mode tcp the servers present their own"


def _hsts(service: Service, loc: Loc) -> Iterator[Problem]:
    if service.hsts is not None and service.mode != "https":
        reason = "browsers honor hsts only over https (RFC 6797, section 8.1)"
        yield Problem((*loc, "hsts"), reason, "remove hsts, or set mode: https and name a certificate")


def _web(service: Service, loc: Loc) -> Iterator[Problem]:
    for key in () if service.is_web else WEB_ONLY:
        yield from decidable(_web_key(service, key, loc))


def _web_key(service: Service, key: str, loc: Loc) -> Iterator[Problem]:
    if getattr(service, key):
        reason = f"{key} needs mode http or https: in mode tcp HAProxy sees no requests"
        https = _passes_tls(service)
        instead = "https, with certificates: that names one of tls.certificates" if https else "http"
        yield Problem((*loc, key), reason, f"remove {key}, or set mode: {instead}")


def _passes_tls(service: Service) -> bool:
    """Whether the clients of a service of mode tcp seem to speak TLS, which only mode https can read."""
    checked = service.check is not None and service.check.tls
    return bool(service.certificates or (not service.reencrypt and (checked or service.port in TLS_PORTS)))


def _cookie(service: Service, loc: Loc) -> Iterator[Problem]:
    if not service.is_web and service.affinity and service.affinity.by == "cookie":
        yield Problem((*loc, "affinity", "by"), "a cookie needs mode http or https", "set by: source")


def _routes(service: Service, loc: Loc) -> Iterator[Problem]:
    names = [route.name for route in service.routes]
    for index, route in enumerate(service.routes):
        own: Loc = (*loc, "routes", index)
        if not route.paths and not route.hosts:
            yield Problem(own, f"{named(own)} matches no request", "give it paths or hosts", shows_value=False)
        if route.name in names[:index]:
            yield Problem((*own, "name"), f"{named((*own, 'name'))} is used twice", "give every route a unique name")
        yield from decidable(_weights(route, own))


def _named_certificates(cluster: Cluster, service: Service, loc: Loc) -> Iterator[Problem]:
    for index, name in enumerate(service.certificates):
        yield from decidable(_known(cluster, name, (*loc, "certificates", index)))


def _known(cluster: Cluster, name: str, loc: Loc) -> Iterator[Problem]:
    known = [certificate.name for certificate in cluster.tls.certificates]
    if name not in known:
        yield Problem(loc, "there is no certificate with this name", nearest(name, known) or TLS_HINT)


def _vips(cluster: Cluster, listener: Service | Preset, loc: Loc) -> Iterator[Problem]:
    for index, vip in enumerate(listener.vips):
        if vip not in cluster.vrrp.vips:
            place = (*loc, "vips", index)
            hint = f"use one of {', '.join(map(str, cluster.vrrp.vips))}, or add it to vrrp"
            yield Problem(place, f"{named(place)} is not one of the VIPs of vrrp", hint)


def _preset_name(_: Cluster, preset: Preset, loc: Loc) -> Iterator[Problem]:
    """A name that is too long together with what its services add to it."""
    added = max(len(service.name) for service in services_of(preset.model_copy(update={"name": "x"}))) - 1
    longest, place = LONGEST_LABEL - added, (*loc, "name")
    if len(preset.name) > longest:
        reason = f"{named(place)} is too long: the names of its services have {added} characters more"
        yield Problem(place, reason, f"use {longest} characters at most")


def _preset_certificate(cluster: Cluster, preset: Preset, loc: Loc) -> Iterator[Problem]:
    place = (*loc, "certificate")
    if preset.tls == "passthrough" and preset.certificate:
        yield Problem(place, "with tls: passthrough the servers present their own certificates", "remove certificate")
    elif preset.tls != "passthrough" and not preset.certificate:
        hint = "add certificate: with the name of a certificate of tls.certificates, or tls: passthrough"
        yield Problem(loc, f"{named(loc)} names no certificate", hint, shows_value=False)
    elif preset.certificate:
        yield from _known(cluster, preset.certificate, place)


def listener_problems(cluster: Cluster) -> Iterator[Problem]:
    """Conflicts between presets and services; `builder.spec.checks.addresses` compares the services."""
    yield from decidable(_cookies(cluster))
    yield from decidable(_peers_port(cluster))
    placed = cluster.placed_services()
    if not (cluster.services or cluster.presets):
        yield Problem(("services",), "the spec has no services", "add services: or presets: (docs/services.md)")
    yield from _ports(cluster, placed)
    yield from _names(placed)


def _ports(cluster: Cluster, placed: list[tuple[Loc, Service]]) -> Iterator[Problem]:
    """A preset and another preset or service that listen on the same port of a VIP."""
    taken: dict[tuple[IpAddress, int], Loc] = {}
    for loc, service in placed:
        yield from decidable(_port_twice(cluster, loc, service, taken))


def _port_twice(
    cluster: Cluster, loc: Loc, service: Service, taken: dict[tuple[IpAddress, int], Loc]
) -> Iterator[Problem]:
    listeners = [(vip, service.port) for vip in service.vips or cluster.vrrp.vips]
    clashes = [(vip, first) for vip, port in listeners if (first := taken.setdefault((vip, port), loc)) != loc]
    if clashes and loc[0] == "presets":
        vip, first = clashes[0]
        reason = f"{named(loc)} listens on port {service.port} of {vip}, and so does {the(first)}"
        yield Problem(loc, reason, "give them different VIPs, or remove one", shows_value=False)


def _names(placed: list[tuple[Loc, Service]]) -> Iterator[Problem]:
    """Names that would occur twice in haproxy.cfg: those of services, and of routes with their service's prefix."""
    taken: dict[str, tuple[Loc, str]] = {}
    for loc, service in placed:
        yield from decidable(_name_twice(loc, service, taken))


def _name_twice(loc: Loc, service: Service, taken: dict[str, tuple[Loc, str]]) -> Iterator[Problem]:
    """Two services of the same name are left to `builder.spec.checks.addresses`."""
    for name in (service.name, *(f"{service.name}-{route.name}" for route in service.routes)):
        first, owner = taken.setdefault(name, (loc, service.name))
        if first != loc and not (loc[0] == first[0] == "services" and name == service.name == owner):
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


def _peers_port(cluster: Cluster) -> Iterator[Problem]:
    """A port that clients reach and that the firewall must keep for the other nodes."""
    placed = cluster.placed_services()
    if not has_tables(service for _, service in placed):
        return
    taken: list[tuple[Loc, int]] = [((*loc, "port"), service.port) for loc, service in placed if loc[0] == "services"]
    if cluster.statistics:
        taken.append((("statistics", "port"), cluster.statistics.port))
    for loc, port in taken:
        if port == PEERS_PORT:
            reason = f"{named(loc)} is where the nodes exchange the tables of affinity by source"
            yield Problem(loc, reason, "choose another port")


def _own_backends(cluster: Cluster) -> Iterator[tuple[Loc, Service, Backend]]:
    """Every backend of the services, each service's own first, with its place in the spec."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        routes = {f"{service.name}-{route.name}": number for number, route in enumerate(service.routes)}
        for backend in sorted(backends(service), key=lambda each: each.name in routes):
            place = (*loc, "routes", routes[backend.name]) if backend.name in routes else loc
            yield place, service, backend
