"""Checks of health checks: those that no server can pass, keys without effect, and what old releases cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from builder.guests import all_guests
from builder.spec.backends import backends
from builder.spec.checks.addresses import repeated
from builder.spec.model import Cluster
from builder.spec.problem import Loc, Problem, decidable, named, the
from builder.spec.service import Check, Service
from builder.spec.values import Release, release

BODILESS = frozenset({*range(100, 200), 204, 205, 304})
"""Status codes of responses without a body (RFC 9110, sections 15.2, 15.3.5, 15.3.6 and 15.4.5)."""
KINDS = {
    **dict.fromkeys(("path", "status", "body", "headers"), ("http",)),
    "user": ("mysql", "pgsql"),
    "primary_only": ("redis",),
}
"""The kinds of health checks that use a key; the other keys are for every kind."""
UPGRADED = ("mysql", "pgsql")
"""Protocols whose connections begin without TLS even if they get it (PostgreSQL's SSLRequest, MySQL's CLIENT_SSL)."""
SNI = (1, 8)
"""The first release of HAProxy that can name a host in a health check over TLS."""


def health_problems(cluster: Cluster) -> Iterator[Problem]:
    """The problems of the health checks of services and routes, and of what follows when a server fails them."""
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        for check in (_checks, _sessions):
            yield from decidable(check(service, loc))


def _placed_checks(service: Service, loc: Loc) -> Iterator[tuple[Loc, Check]]:
    """The health checks of a service and its routes, with their places."""
    own = [((*loc, "routes", index, "check"), route.check) for index, route in enumerate(service.routes)]
    yield from ((place, check) for place, check in (((*loc, "check"), service.check), *own) if check is not None)


def _checks(service: Service, loc: Loc) -> Iterator[Problem]:
    """Health checks that no server can pass, and keys that their kind does not use."""
    for place, check in _placed_checks(service, loc):
        for problems in (_statuses(check, place), _impossible(check, place), _host(service, check, place)):
            yield from decidable(problems)
        for key, kinds in KINDS.items():
            yield from decidable(_of_other_kinds(check, key, kinds, place))


def _statuses(check: Check, place: Loc) -> Iterator[Problem]:
    """Status codes that are given twice, and a body that no answer with these codes has."""
    placed = [((*place, "status", index), each) for index, each in enumerate(check.status) if isinstance(each, str)]
    for loc, first in repeated(placed):
        yield Problem(loc, f"{named(loc)} is also {the(first)}", "remove one of them")
    if check.body and check.codes <= BODILESS:
        status = f"status {' or '.join(check.status)}"
        reason = f"a response with {status} has no body, so no server can ever be healthy"
        yield Problem((*place, "body"), reason, "remove body, or set another status")


def _impossible(check: Check, place: Loc) -> Iterator[Problem]:
    if check.tls and check.kind in UPGRADED:
        reason = f"{check.kind} begins TLS within its protocol, so no server can ever be healthy"
        yield Problem((*place, "tls"), reason, "remove tls: the check needs no TLS")


def _host(service: Service, check: Check, place: Loc) -> Iterator[Problem]:
    if check.host and check.kind != "http" and not service.checks_over_tls(check):
        reason = f"host has no effect with kind {check.kind} without TLS"
        yield Problem((*place, "host"), reason, "remove host, or set tls: true")


def _of_other_kinds(check: Check, key: str, kinds: tuple[str, ...], place: Loc) -> Iterator[Problem]:
    if check.kind not in kinds and getattr(check, key) != Check.model_fields[key].default:
        hint = f"remove {key}, or set kind: {kinds[0]}"
        yield Problem((*place, key), f"{key} has no effect with kind {check.kind}", hint)


def _sessions(service: Service, loc: Loc) -> Iterator[Problem]:
    kinds = [{server.backup for server in backend.servers} for backend in backends(service)]
    if service.close_sessions.primary_returns and not any(len(each) > 1 for each in kinds):
        has, lacks = ("only backup servers", "without backup") if {True} in kinds else ("none", "with backup: true")
        reason = f"primary_returns closes the sessions of backup servers, and {named(loc)} has {has}"
        hint = f"add a server {lacks}, or remove primary_returns"
        yield Problem((*loc, "close_sessions", "primary_returns"), reason, hint)


def _known_release(cluster: Cluster) -> Release | None:
    """HAProxy's release in the appliance, such as (2, 6, 12); None while `guest: auto` leaves it open."""
    guest = all_guests().get(cluster.guest)
    version = cluster.haproxy.source or (guest.haproxy_version if guest else "")
    return release(version) if version else None


def name_warnings(cluster: Cluster) -> Iterator[Problem]:
    """Warnings of health checks over TLS whose host name the guest's HAProxy will not send (SNI)."""
    known = _known_release(cluster)
    if known is None or known >= SNI:
        return
    reason = "HAProxy before 1.8 sends no host name (SNI) over TLS: servers that need one will not be healthy"
    hint = "use a check without TLS, such as check: {port: 80}, or choose another guest"
    for index, service in enumerate(cluster.services):
        loc: Loc = ("services", index)
        if service.reencrypt and service.reencrypt.name:
            yield Problem((*loc, "reencrypt", "name"), reason, "choose another guest if they need it")
        for place, check in _placed_checks(service, loc):
            if check.host and service.name_in_check(check) == check.host:
                yield Problem((*place, "host"), reason, hint)
