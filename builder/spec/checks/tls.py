"""Checks of the files that a spec names: certificates, keys, authorities, the password of the statistics page.

Loading a spec does not open them; `vipforge check` and the creation of seeds do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from builder.spec import certificates
from builder.spec.model import Cluster
from builder.spec.problem import Loc, Problem, UnreadableError, decidable, named
from builder.spec.sections import Certificate
from builder.spec.syntax import InvalidValue


@dataclass
class Findings:
    """What is wrong now (`problems`), and what soon will be (`warnings`)."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def tls_findings(cluster: Cluster) -> Findings:
    """The problems and warnings in the files that the spec names, whether its presets are expanded or not."""
    findings = Findings()
    leaves: dict[str, x509.Certificate] = {}
    listed: tuple[Certificate, ...] = ()
    with suppress(UnreadableError):  # the section may have problems of its own
        listed = tuple(cluster.tls.certificates)
    for index, certificate in enumerate(listed):
        with suppress(UnreadableError):
            leaf = _certificate(certificate, ("tls", "certificates", index), findings)
            if leaf is not None:
                leaves[certificate.name] = leaf
    findings.problems.extend((*decidable(_names(cluster, leaves)), *decidable(_authorities(cluster))))
    findings.problems.extend(decidable(_password(cluster)))
    return findings


def _authorities(cluster: Cluster) -> Iterator[Problem]:
    for loc, path in authorities(cluster):
        try:
            certificates.read_bundle(path)
        except InvalidValue as invalid:
            yield _problem(loc, invalid)


def _password(cluster: Cluster) -> Iterator[Problem]:
    try:
        if cluster.statistics:
            certificates.read_password(cluster.statistics.password)
    except InvalidValue as invalid:
        yield _problem(("statistics", "password"), invalid)


def authorities(cluster: Cluster) -> Iterator[tuple[Loc, Path]]:
    """Every authority that verifies servers' certificates, with the place of the service or preset that names it."""
    for loc, service in cluster.placed_services():
        if service.reencrypt and service.reencrypt.authority:
            key = ("authority",) if loc[0] == "presets" else ("reencrypt", "authority")
            yield (*loc, *key), service.reencrypt.authority


def _certificate(certificate: Certificate, loc: Loc, findings: Findings) -> x509.Certificate | None:
    """Check one certificate and its key; returns the leaf, or None if it cannot be read."""
    place: Loc = (*loc, "chain")
    try:
        chain = certificates.read_chain(certificate.chain)
    except InvalidValue as invalid:
        findings.problems.append(_problem(place, invalid))
        return None
    error, warning = certificates.validity(chain)
    if error:
        findings.problems.append(Problem(place, f"{named(place)} {error}", "request a new certificate"))
    if warning:
        findings.warnings.append(Problem(place, f"{named(place)} {warning}", "request a new certificate"))
    try:
        public = certificates.read_public_key(certificate.key)
    except InvalidValue as invalid:
        findings.problems.append(_problem((*loc, "key"), invalid))
        return chain[0]
    if not certificates.is_key_of(chain[0], public):
        reason = f"{named((*loc, 'key'))} does not belong to the first certificate of the chain"
        findings.problems.append(Problem((*loc, "key"), reason, "use the key that the certificate was requested with"))
    return chain[0]


def _names(cluster: Cluster, leaves: dict[str, x509.Certificate]) -> Iterator[Problem]:
    """Hosts that no certificate of their service covers."""
    reported: set[str] = set()
    for _, service in cluster.placed_services():
        presented = [leaves[name] for name in service.certificates if name in leaves]
        if len(presented) < len(service.certificates) or not presented:
            continue
        uncovered = set(service.hosts).intersection(
            *(certificates.uncovered_hosts(leaf, service.hosts) for leaf in presented)
        )
        for host in sorted(uncovered - reported):
            reported.add(host)
            index = [each.name for each in cluster.tls.certificates].index(service.certificates[0])
            loc: Loc = ("tls", "certificates", index, "chain")
            reason = f"{named(loc)} does not cover {host}, a host of service {service.name}"
            yield Problem(loc, reason, f"it covers {'; '.join(map(certificates.covered_names, presented))}")


def _problem(loc: Loc, invalid: InvalidValue) -> Problem:
    return Problem(loc, f"{named(loc)} {invalid}", invalid.hint)
