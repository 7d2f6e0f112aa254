"""`vipforge render`: everything that goes into the appliance and its seeds, to read."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli.arguments import SPEC


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def render(
        spec: Path = SPEC,
        guest: str = typer.Option("", "--guest", help="Show this guest instead of the spec's."),
    ) -> None:
        """Write out what a bake would use. Packer template, guest files and seeds go to build/CLUSTER/rendered."""
        from builder.bake.preview import preview
        from builder.foundations import instead
        from builder.spec.load import load

        typer.echo(preview(instead(load(spec), guest)))
