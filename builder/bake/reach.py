"""How far the guest may reach while it is baked: to its package mirror, if it needs one, and no further."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from builder import sources
from builder.bake.builders.base import Builder
from builder.errors import UserError
from builder.guests import Facts
from builder.guests.repositories import is_folder
from builder.spec.model import Cluster

HTTP = "http"
MIRROR = "mirror"
"""The name under which Packer's HTTP server has the folder."""


@dataclass(frozen=True)
class Reach:
    """Whether the guest has a network; else the folder on this host that is served to it, if it needs packages."""

    network: bool
    folder: Path | None = None
    environment: tuple[str, ...] = ()
    """For packer/provision/rpm/05-packages.sh."""

    def http(self, work: Path) -> Path | None:
        """Where `serve` puts the folder."""
        return work / HTTP if self.folder else None

    def serve(self, work: Path) -> Path | None:
        """The folder for Packer's HTTP server; None where nothing is to be served."""
        if self.folder is None:
            return None
        http = work / HTTP
        http.mkdir()
        (http / MIRROR).symlink_to(self.folder)
        return http


def reach(cluster: Cluster, facts: Facts, builder: Builder, *, offline: bool) -> Reach:
    """What this bake needs; raises UserError where it may not, or cannot, have it."""
    mirror = cluster.image.mirror
    if facts.repositories is None:
        return Reach(network=not builder.local)
    if mirror and is_folder(mirror):
        return _folder(mirror, facts.repositories.written(mirror)[0], builder)
    sources.refuse_offline(offline, f"installing the packages of {facts.title}")
    return Reach(network=True)


def _folder(mirror: str, stands_for: str, builder: Builder) -> Reach:
    folder = Path(url2pathname(urlparse(mirror).path))
    if not builder.local:
        raise UserError(
            f"a machine in a vCenter cannot read this host's folder {folder}",
            hint="serve it by HTTP and name that address in the spec (image: mirror)",
        )
    if not folder.is_dir():
        raise UserError(f"the mirror {folder} is no folder", hint="mend image: mirror in the spec")
    return Reach(network=False, folder=folder, environment=(f"VIPFORGE_SERVED={stands_for}",))
