"""The seeds of one or many specs as files, for people and tools that bring them to the machines themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builder import paths
from builder.bake import manifest
from builder.errors import UserError
from builder.files import together
from builder.identity.seeds import write
from builder.identity.transports import Transport, iso
from builder.spec.load import load


def write_specs(
    specs: Sequence[Path], to: Path | None, *, transport: Transport = iso.TRANSPORT
) -> dict[str, dict[str, Path]]:
    """Write the seeds of all specs, or none; by cluster and node, the seed's file or folder.

    Of one spec they go to `to`, of several to a folder each in it; without `to`, to build/CLUSTER/seeds. Raises
    UserError where two specs have one cluster's name, or the transport would show a secret to others.
    """
    made: dict[str, dict[str, Path]] = {}
    with together() as files:
        for spec in specs:
            cluster = load(spec)
            if cluster.cluster in made:
                raise UserError(
                    f"{spec}: another spec is of cluster {cluster.cluster}, too", hint="rename one of them"
                )
            own = to / cluster.cluster if to and len(specs) > 1 else to
            folder = own or paths.build(cluster.cluster, "seeds")
            made[cluster.cluster] = write(cluster, manifest.facts(cluster), folder, files, transport=transport)
    return made
