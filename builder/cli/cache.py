"""`vipforge cache`: what the cache holds, and making room."""

from __future__ import annotations

import json

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    cache = typer.Typer(help="Show what the cache holds, and make room.", no_args_is_help=True)
    app.add_typer(cache, name="cache")

    @cache.command("list")
    def listing(json_output: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
        """List layers and sources, the longest unused first."""
        from builder import store

        found = store.entries()
        typer.echo(json.dumps([each.as_data() for each in found], indent=2) if json_output else store.table(found))

    @cache.command("prune")
    def prune(
        to: float = typer.Option(10, "--to", min=0, help="GiB that may stay."),
        json_output: bool = typer.Option(False, "--json", help="Print what went as JSON."),
    ) -> None:
        """Take out what was not used for longest. What was used within the last hour stays."""
        from builder import store
        from builder.files import GIB

        gone = store.prune(int(to * GIB))
        typer.echo(json.dumps([each.as_data() for each in gone], indent=2) if json_output else store.table(gone))
