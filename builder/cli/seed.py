"""`vipforge seed` and `vipforge transports`: each node's identity, and the ways in which it can reach its node."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from builder.cli.arguments import TRANSPORT


def register(app: typer.Typer) -> None:
    """Add the commands."""

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
        transport: str = TRANSPORT,
        json_output: bool = typer.Option(
            False, "--json", help="Print node names and paths as JSON; of several specs, by cluster."
        ),
    ) -> None:
        """Write each node's seed. They go to build/CLUSTER/seeds, readable by you only."""
        from builder.identity.transports import find_transport
        from builder.ship.seeds import write_specs

        made = write_specs(specs, to, transport=find_transport(transport))
        shown = {cluster: {name: str(path) for name, path in paths.items()} for cluster, paths in made.items()}
        if json_output:
            typer.echo(json.dumps(shown if len(specs) > 1 else next(iter(shown.values())), indent=2))
            return
        for paths in shown.values():
            for name, path in paths.items():
                typer.echo(f"{name}  {path}")

    @app.command()
    def transports() -> None:
        """List the ways in which a seed can reach its node."""
        from builder.identity.transports import listing

        typer.echo(listing())
