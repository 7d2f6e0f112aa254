"""The checks of the files that a spec names: certificates, keys, authorities, the statistics page's password.

Loading a spec opens none of them: only `vipforge check` and the making of seeds do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from builder.spec import certificates
from builder.spec.model import Cluster
from builder.spec.problem import Loc, Problem, named
from builder.spec.sections import Certificate
from builder.spec.syntax import Unfit


@dataclass
class Findings:
    """What is wrong (`faults`) and what soon will be (`warnings`)."""

    faults: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def tls_findings(cluster: Cluster) -> Findings:
    """All that the named files show, whether the cluster's presets are expanded or not."""
    found = Findings()
    leaves: dict[str, x509.Certificate] = {}
    for index, certificate in enumerate(cluster.tls.certificates):
        leaf = _certificate(certificate, ("tls", "certificates", index), found)
        if leaf is not None:
            leaves[certificate.name] = leaf
    found.faults.extend(_names(cluster, leaves))
    for loc, path in authorities(cluster):
        try:
            certificates.bundle(path)
        except Unfit as unfit:
            found.faults.append(_fault(loc, unfit))
    if cluster.statistics:
        try:
            certificates.password(cluster.statistics.password)
        except Unfit as unfit:
            found.faults.append(_fault(("statistics", "password"), unfit))
    return found


def authorities(cluster: Cluster) -> Iterator[tuple[Loc, Path]]:
    """Every authority that servers' certificates are verified with, by the service or preset that names it."""
    for loc, service in cluster.placed_services():
        if service.reencrypt and service.reencrypt.authority:
            key = ("authority",) if loc[0] == "presets" else ("reencrypt", "authority")
            yield (*loc, *key), service.reencrypt.authority


def _certificate(certificate: Certificate, loc: Loc, found: Findings) -> x509.Certificate | None:
    """Judge one certificate with its key; its leaf, where it can be read."""
    place: Loc = (*loc, "chain")
    try:
        chain = certificates.chain(certificate.chain)
    except Unfit as unfit:
        found.faults.append(_fault(place, unfit))
        return None
    error, warning = certificates.validity(chain)
    if error:
        found.faults.append(Problem(place, f"{named(place)} {error}", "have it issued anew"))
    if warning:
        found.warnings.append(Problem(place, f"{named(place)} {warning}", "have it issued anew"))
    try:
        public = certificates.key(certificate.key)
    except Unfit as unfit:
        found.faults.append(_fault((*loc, "key"), unfit))
        return chain[0]
    if not certificates.belongs(chain[0], public):
        reason = f"{named((*loc, 'key'))} is the key of another certificate than the chain's first"
        found.faults.append(Problem((*loc, "key"), reason, "give the key that the certificate was asked for with"))
    return chain[0]


def _names(cluster: Cluster, leaves: dict[str, x509.Certificate]) -> Iterator[Problem]:
    """Hosts that no certificate of their service is for."""
    told: set[str] = set()
    for _, service in cluster.placed_services():
        shown = [leaves[name] for name in service.certificates if name in leaves]
        if len(shown) < len(service.certificates) or not shown:
            continue
        lacking = set(service.hosts).intersection(*(certificates.unnamed(leaf, service.hosts) for leaf in shown))
        for host in sorted(lacking - told):
            told.add(host)
            index = [each.name for each in cluster.tls.certificates].index(service.certificates[0])
            loc: Loc = ("tls", "certificates", index, "chain")
            reason = f"{named(loc)} is not for {host}, which service {service.name} is asked by"
            yield Problem(loc, reason, f"it is for {'; '.join(map(certificates.names, shown))}")


def _fault(loc: Loc, unfit: Unfit) -> Problem:
    return Problem(loc, f"{named(loc)} {unfit}", unfit.hint)
