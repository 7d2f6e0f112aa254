"""The seeds of a whole cluster as files, for any transport; all are readable by their owner only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from builder.errors import UserError
from builder.files import Together, together
from builder.guests import Facts
from builder.identity import private
from builder.identity.seed import PRIVATE, Seed, seed
from builder.identity.transports import Transport, iso
from builder.spec.model import Cluster

FOLDER_MODE = 0o700


def write_all(
    cluster: Cluster,
    facts: Facts,
    folder: Path,
    extra_keys: Sequence[str] = (),
    *,
    transport: Transport = iso.TRANSPORT,
) -> dict[str, Path]:
    """Write one seed per node into `folder`; node name to the seed's file or folder.

    Raises UserError if the transport would show a secret to others.
    """
    with together() as files:
        return write(cluster, facts, folder, files, extra_keys, transport=transport)


def write(
    cluster: Cluster,
    facts: Facts,
    folder: Path,
    files: Together,
    extra_keys: Sequence[str] = (),
    *,
    transport: Transport = iso.TRANSPORT,
) -> dict[str, Path]:
    """The same, together with the seeds of other clusters: they are there when `files` are published."""
    check(cluster, transport)
    return {
        node.name: _write(seed(cluster, node, facts, extra_keys), folder / node.name, files, transport)
        for node in cluster.nodes
    }


def check(cluster: Cluster, transport: Transport) -> None:
    """Raise UserError if the seeds hold a secret that the transport would show to others (docs/vsphere.md)."""
    if private.has_secrets(cluster) and not transport.carries_secrets:
        raise UserError(
            f"the seeds of {cluster.cluster} hold a key or a password, which {transport.name} shows to others",
            hint="use the ISO: everybody who may look at the machine can read its variables and properties",
        )


def _write(made: Seed, stem: Path, files: Together, transport: Transport) -> Path:
    """Write one seed, as a file or as a folder of files beside `stem`."""
    path, content = stem.with_name(f"{stem.name}{transport.suffix}"), transport.files(made)
    if not isinstance(content, Mapping):
        files.write(path, content, mode=PRIVATE)
        return path
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for name, each in content.items():
        files.write(path / name, each, mode=PRIVATE)
    return path
