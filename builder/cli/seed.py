"""`vipforge seed`: each node's identity, for the road by which it travels."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

import typer


class Road(StrEnum):
    """How a seed reaches its node."""

    ISO = "iso"
    GUESTINFO = "guestinfo"
    OVF = "ovf"
    FOLDER = "folder"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def seed(
        specs: list[Path] = typer.Argument(
            ..., help="The cluster's spec; several are written together.", readable=False
        ),
        to: Path | None = typer.Option(
            None,
            "--to",
            help="Folder for the seeds, of several specs for a folder each; left out, build/CLUSTER/seeds.",
        ),
        road: Road = typer.Option(Road.ISO, "--as", help="NoCloud ISO, guestinfo or OVF of VMware, or plain files."),
        json_output: bool = typer.Option(
            False, "--json", help="Print node names and paths as JSON; of several specs, by cluster."
        ),
    ) -> None:
        """Write each node's seed. They go to build/CLUSTER/seeds, readable by you only."""
        from builder.ship.seeds import write_specs

        made = write_specs(specs, to, road=road.value)
        shown = {cluster: {name: str(path) for name, path in paths.items()} for cluster, paths in made.items()}
        if json_output:
            typer.echo(json.dumps(shown if len(specs) > 1 else next(iter(shown.values())), indent=2))
            return
        for paths in shown.values():
            for name, path in paths.items():
                typer.echo(f"{name}  {path}")
