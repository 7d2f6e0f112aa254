"""`vipforge render`, `image`, `inspect`, `diff` and what else is about an image alone."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli import SPEC
from builder.core.errors import Exit


def _register_image(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def image(
        spec: Path = SPEC,
        *,
        force: bool = typer.Option(False, "--force", help="Bake also when the image is up to date."),
        offline: bool = typer.Option(False, "--offline", help="Open no connection; use what the cache holds."),
        refresh: bool = typer.Option(False, "--refresh", help="Make base and foundation anew, with today's packages."),
        guest: str = typer.Option("", "--guest", help="Bake this guest instead of the spec's."),
        builder: str = typer.Option("qemu", "--builder", help="qemu, qemu-iso, vsphere-iso or vsphere-clone."),
        var_file: Path = typer.Option(None, "--var-file", help="Packer var file with vSphere's coordinates."),
        sign: str | None = typer.Option(None, "--sign", help="Sign with this minisign key file or GPG key."),
        why: bool = typer.Option(False, "--explain", help="Bake nothing; say which input makes which layer stale."),
        timings: Path = typer.Option(None, "--timings", help="Write a trace for Perfetto or speedscope."),
        json_output: bool = typer.Option(False, "--json", help="Print the manifest, or what --explain found."),
    ) -> None:
        """Bake the cluster's appliance: build/CLUSTER/appliance.qcow2."""
        from builder.core.trace import traced
        from builder.image.foundations import with_guest
        from builder.spec.load import load

        cluster = with_guest(load(spec), guest)
        if why:
            from builder.image import explain, plan

            found = explain.explain(plan.bake_plan(cluster, builder, offline=offline))
            typer.echo(explain.as_json(found) if json_output else explain.explanation(found))
            return

        from builder.image.attest import signature
        from builder.image.bake import BakeOptions, bake, bake_summary

        with traced(f"vipforge image {spec}", timings):
            baked = bake(cluster, BakeOptions(builder, var_file, force, offline, refresh))
        if sign:
            signature.sign(baked.folder, sign)
        typer.echo(bake_summary(baked, as_json=json_output))


def _register_render(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def render(
        spec: Path = SPEC,
        guest: str = typer.Option("", "--guest", help="Show this guest instead of the spec's."),
    ) -> None:
        """Write out what a bake would use. Packer template, guest files and seeds go to build/CLUSTER/rendered."""
        from builder.image.foundations import with_guest
        from builder.image.preview import preview
        from builder.spec.load import load

        typer.echo(preview(with_guest(load(spec), guest)))


IMAGE = typer.Argument(..., help="The image: build/CLUSTER/appliance.qcow2, with its papers beside it.")


def _register_attest(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def inspect(
        image: Path = IMAGE,
        key: Path | None = typer.Option(None, "--key", help="The signer's public minisign key."),
        json_output: bool = typer.Option(False, "--json", help="Print it for programs."),
    ) -> None:
        """Print an image's papers and check them. Ends with code 1 where one is wrong."""
        from builder.image.attest import signature

        found = signature.inspect(image, key)
        typer.echo(signature.report(found, as_json=json_output))
        raise typer.Exit(Exit.OK if found.good else Exit.FAILED)

    @app.command()
    def diff(
        old: Path = IMAGE,
        new: Path = typer.Argument(..., help="The image to compare it with."),
    ) -> None:
        """Show what differs between two images. Packages, files, versions; code 1 where anything does."""
        from builder.image.attest.signature import difference, record

        lines = difference(record(old), record(new))
        typer.echo("\n".join(lines) or "the same packages, files and versions")
        raise typer.Exit(Exit.FAILED if lines else Exit.OK)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_render(app)
    _register_image(app)
    _register_attest(app)
