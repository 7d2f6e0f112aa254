"""`vipforge inspect` and `diff`: what is in an image, and what differs between two."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.errors import Exit

IMAGE = typer.Argument(..., help="The image: build/CLUSTER/appliance.qcow2, with its papers beside it.")


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def inspect(
        image: Path = IMAGE,
        key: Path | None = typer.Option(None, "--key", help="The signer's public minisign key."),
        json_output: bool = typer.Option(False, "--json", help="Print it for programs."),
    ) -> None:
        """Print an image's papers and check them. Ends with code 1 where one is wrong."""
        from builder.papers import inspection

        found = inspection.inspect(image, key)
        typer.echo(inspection.report(found, as_json=json_output))
        raise typer.Exit(Exit.OK if found.good else Exit.FAILED)

    @app.command()
    def diff(
        old: Path = IMAGE,
        new: Path = typer.Argument(..., help="The image to compare it with."),
    ) -> None:
        """Show what differs between two images. Packages, files, versions; code 1 where anything does."""
        from builder.papers.difference import difference
        from builder.papers.inspection import record

        lines = difference(record(old), record(new))
        typer.echo("\n".join(lines) or "the same packages, files and versions")
        raise typer.Exit(Exit.FAILED if lines else Exit.OK)
