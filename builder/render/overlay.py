"""The appliance's files: packer/overlay/ laid over itself, common first, with its templates filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder import paths
from builder.guests import Facts
from builder.render import haproxy, maintenance, templates, tls_files
from builder.spec.features import has
from builder.spec.model import Cluster
from builder.spec.profiles import PROFILES

TEMPLATE = ".j2"
EXECUTABLE = 0o755
PLAIN = 0o644


@dataclass(frozen=True)
class GuestFile:
    """One file of the guest: its text and its permission bits. All belong to root."""

    content: str
    mode: int


def appliance(cluster: Cluster, facts: Facts, keepalived: str) -> dict[str, GuestFile]:
    """Every file that the cluster puts into its appliance, by absolute path in the guest.

    A later overlay's file takes the place of an earlier one's. A template that renders to nothing is no file.
    None of them holds an identity or a secret: those come with the seed.
    """
    files: dict[str, GuestFile] = {}
    for source, path in _sources(facts):
        content = _content(source, cluster, facts, keepalived)
        if content.strip():
            files[path] = GuestFile(content, EXECUTABLE if source.stat().st_mode & 0o100 else PLAIN)
    files |= {path: GuestFile(page, PLAIN) for path, page in maintenance.pages(cluster).items()}
    return dict(sorted(files.items()))


def text(path: str, cluster: Cluster, facts: Facts, keepalived: str) -> str:
    """One of them alone: what lies at that path in the guest."""
    sources = [source for source, place in _sources(facts) if place == path]
    return _content(sources[-1], cluster, facts, keepalived)


def _content(source: Path, cluster: Cluster, facts: Facts, keepalived: str) -> str:
    if source.suffix != TEMPLATE:
        return source.read_text()
    return templates.render(source, **_context(cluster, facts, keepalived))


def _sources(facts: Facts) -> Iterator[tuple[Path, str]]:
    """Each file of the guest's overlays, with the path that it has in the guest."""
    for name in facts.overlay:
        overlay = paths.resources("packer", "overlay", name)
        for source in sorted(path for path in overlay.rglob("*") if path.is_file()):
            yield source, "/" + str(source.relative_to(overlay)).removesuffix(TEMPLATE)


def _context(cluster: Cluster, facts: Facts, keepalived: str) -> dict[str, object]:
    release = haproxy.release(cluster, facts)
    return {
        "cluster": cluster,
        "facts": facts,
        "haproxy": release,
        "address": lambda address: haproxy.address(address, release),
        "backends": haproxy.backends,
        "maintenance_page": maintenance.path,
        "tls_file": tls_files.guest_path,
        "authority_file": tls_files.authority_path,
        "profile": PROFILES[cluster.vrrp.profile],
        "keepalived_has": lambda feature: has(keepalived, feature),
    }
