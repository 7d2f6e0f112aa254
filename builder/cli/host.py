"""`vipforge doctor`, `sources` and `cache`: what this host has, and what it keeps."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def _register_doctor(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def doctor(
        spec: Path = typer.Argument(None, help="Look also at what this spec needs.", readable=False),
        json_output: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
    ) -> None:
        """Say what this host has and lacks. Ends with code 3 where something is lacking."""
        from builder import doctor
        from builder.doctor.host import examine
        from builder.spec.load import load

        findings = examine(load(spec) if spec else None)
        typer.echo(doctor.as_json(findings) if json_output else doctor.as_text(findings))
        raise typer.Exit(doctor.exit_code(findings))


def _register_sources(app: typer.Typer) -> None:
    """Add the commands."""
    sources = typer.Typer(help="List and fetch the pinned upstream files.", no_args_is_help=True)
    app.add_typer(sources, name="sources")

    @sources.command("list")
    def listing(json_output: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
        """Print every pinned file. Version, size, digest, and whether the cache holds it."""
        from builder.sources import carry

        typer.echo(json.dumps(carry.listing(), indent=2) if json_output else carry.source_table())

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
        from builder.image import preview
        from builder.rootfs.mirror import host_address
        from builder.sources import carry

        debian = mirror.rstrip("/") or host_address()
        pins = preview.asked(wanted or (), bases=bases, offline=offline)
        for path in carry.fetch_all(pins, offline=offline, debian=debian, to=to):
            typer.echo(path)


def _register_cache(app: typer.Typer) -> None:
    """Add the commands."""
    cache = typer.Typer(help="Show what the cache holds, and make room.", no_args_is_help=True)
    app.add_typer(cache, name="cache")

    @cache.command("list")
    def listing(json_output: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
        """List layers and sources, the longest unused first."""
        from builder.image import store

        found = store.entries()
        typer.echo(json.dumps([each.as_data() for each in found], indent=2) if json_output else store.table(found))

    @cache.command("prune")
    def prune(
        to: float = typer.Option(10, "--to", min=0, help="GiB that may stay."),
        json_output: bool = typer.Option(False, "--json", help="Print what went as JSON."),
    ) -> None:
        """Take out what was not used for longest. What was used within the last hour stays."""
        from builder.core.files import GIB
        from builder.image import store

        gone = store.prune(int(to * GIB))
        typer.echo(json.dumps([each.as_data() for each in gone], indent=2) if json_output else store.table(gone))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_sources(app)
    _register_cache(app)
    _register_doctor(app)
