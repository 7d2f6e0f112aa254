"""`vipforge sources`: the pinned upstream files, and the cache that holds them."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    sources = typer.Typer(help="List and fetch the pinned upstream files.", no_args_is_help=True)
    app.add_typer(sources, name="sources")

    @sources.command("list")
    def listing(json_output: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
        """Print every pinned file. Version, size, digest, and whether the cache holds it."""
        from builder.sources import carry

        typer.echo(json.dumps(carry.listing(), indent=2) if json_output else carry.table())

    @sources.command("fetch")
    def fetch(
        wanted: list[str] = typer.Argument(
            None,
            metavar="[SPEC | NAME[=VERSION]]…",
            help="Specs, for what they need, or sources by name; if left out, all but the bases.",
        ),
        bases: bool = typer.Option(False, "--bases", help="The vendors' bases as well: several gigabytes."),
        offline: bool = typer.Option(False, "--offline", help="Open no connection; look into VIPFORGE_MIRROR only."),
        mirror: str = typer.Option("", "--mirror", help="Address of a Debian mirror; the host's own if left out."),
        to: Path = typer.Option(None, "--to", help="Copy the files into this folder as well."),
    ) -> None:
        """Fill the cache. It can be carried to where no mirror is in reach."""
        from builder.foundations import needs
        from builder.roots.mirror import host_address
        from builder.sources import carry

        debian = mirror.rstrip("/") or host_address()
        pins = needs.asked(wanted or (), bases=bases, offline=offline)
        for path in carry.fetch_all(pins, offline=offline, debian=debian, to=to):
            typer.echo(path)
