"""`vipforge doctor`, `sources` and `cache`: what this host has, and what it stores."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from builder.cli import finite


def _register_doctor(app: typer.Typer) -> None:
    """Add `doctor`."""

    @app.command()
    def doctor(
        spec: Path = typer.Argument(None, help="Also check what this spec needs.", readable=False),
        json_output: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
    ) -> None:
        """Check what this host has and lacks. Exits with code 3 if anything is missing."""
        from builder import doctor
        from builder.doctor.host import examine
        from builder.spec.load import load

        findings = examine(load(spec) if spec else None)
        typer.echo(doctor.as_json(findings) if json_output else doctor.as_text(findings))
        raise typer.Exit(doctor.exit_code(findings))


def _address(mirror: str) -> str:
    """The address of a mirror given on the command line."""
    from builder.spec.syntax import InvalidValue, url

    try:
        return url(mirror)
    except InvalidValue as invalid:
        raise typer.BadParameter(str(invalid), param_hint="--mirror") from None


def _register_sources(app: typer.Typer) -> None:
    """Add `sources list` and `sources fetch`."""
    sources = typer.Typer(help="List and fetch the pinned upstream files.", no_args_is_help=True)
    app.add_typer(sources, name="sources")

    @sources.command("list")
    def listing(json_output: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
        """List every pinned file, and whether it is cached."""
        from builder.sources import carry

        typer.echo(json.dumps(carry.listing(), indent=2) if json_output else carry.source_table())

    @sources.command("fetch")
    def fetch(
        requested: list[str] = typer.Argument(
            None,
            metavar="[SPEC | NAME[=VERSION]]…",
            help="A spec stands for all sources that it needs; by default, all sources except the bases.",
        ),
        bases: bool = typer.Option(False, "--bases", help="Also fetch the vendors' bases: several gigabytes."),
        offline: bool = typer.Option(
            False, "--offline", help="Open no connection; search only the folders in VIPFORGE_MIRROR."
        ),
        mirror: str = typer.Option("", "--mirror", help="Address of a Debian mirror; by default, the host's."),
        to: Path = typer.Option(None, "--to", help="Also copy the files to this folder."),
    ) -> None:
        """Fetch sources into the cache. With --to, also copies them to a folder, for a host without a mirror."""
        from builder.image import preview
        from builder.rootfs.mirror import host_address
        from builder.sources import carry

        debian = _address(mirror) if mirror else host_address()
        pins = preview.select_pins(requested or (), bases=bases, offline=offline)
        for path in carry.fetch_all(pins, offline=offline, debian=debian, to=to):
            typer.echo(path)


def _register_cache(app: typer.Typer) -> None:
    """Add `cache`."""
    cache = typer.Typer(no_args_is_help=True)
    app.add_typer(cache, name="cache")

    @cache.callback()
    def limited() -> None:
        """List and prune the cache."""
        from builder.image import store

        store.limit()  # raises InvalidOption now, instead of at the end of the next bake

    @cache.command("list")
    def listing(json_output: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
        """List layers and sources, least recently used first."""
        from builder.image import store

        entries = store.entries()
        typer.echo(json.dumps([each.as_data() for each in entries], indent=2) if json_output else store.table(entries))

    @cache.command("prune")
    def prune(
        to: float = typer.Option(10, "--to", callback=finite, help="GiB to keep."),
        json_output: bool = typer.Option(False, "--json", help="Print what was removed as JSON."),
    ) -> None:
        """Remove the least recently used entries. Entries used within the last hour are kept."""
        from builder.core.files import GIB
        from builder.image import store

        removed = store.prune(int(to * GIB))
        typer.echo(
            json.dumps([each.as_data() for each in removed], indent=2) if json_output else store.removal(removed)
        )


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    _register_sources(app)
    _register_cache(app)
    _register_doctor(app)
