"""`vipforge render`, `image`, `inspect` and `diff`: baking images and examining them."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli import SPEC
from builder.core.errors import Exit

IMAGE = typer.Argument(
    ..., help="Image: build/CLUSTER/appliance.qcow2, with its manifest, SBOM and signature beside it."
)


def _register_image(app: typer.Typer) -> None:
    """Add `image`."""

    @app.command()
    def image(
        spec: Path = SPEC,
        *,
        force: bool = typer.Option(False, "--force", help="Bake even if the image is up to date."),
        offline: bool = typer.Option(False, "--offline", help="Open no connection; use only the cache."),
        refresh: bool = typer.Option(False, "--refresh", help="Rebuild base and foundation with current packages."),
        guest: str = typer.Option("", "--guest", help="Bake this guest instead of the spec's."),
        builder: str = typer.Option("qemu", "--builder", help="qemu, qemu-iso, vsphere-iso or vsphere-clone."),
        var_file: Path = typer.Option(None, "--var-file", help="Packer var file with the vSphere settings."),
        sign: str | None = typer.Option(None, "--sign", help="Sign the image with this minisign key file or GPG key."),
        why: bool = typer.Option(False, "--explain", help="Bake nothing; show which input makes which layer stale."),
        timings: Path = typer.Option(
            None, "--timings", help="Write the time of each step to this file, for Perfetto or speedscope."
        ),
        json_output: bool = typer.Option(
            False, "--json", help="Print the manifest, or the result of --explain, as JSON."
        ),
    ) -> None:
        """Bake the cluster's appliance as build/CLUSTER/appliance.qcow2."""
        from builder.core.trace import traced
        from builder.image.foundations import with_guest
        from builder.spec.load import load

        cluster = with_guest(load(spec), guest)
        if why:
            from builder.image import explain, plan, store

            store.limit()  # what a bake would refuse is refused here, too
            found = explain.explain(plan.bake_plan(cluster, builder, offline=offline))
            typer.echo(explain.explanation_json(found) if json_output else explain.explanation(found))
            return

        from builder.image.attest import signature
        from builder.image.bake import BakeOptions, bake, bake_summary

        with traced(f"vipforge image {spec}", timings):
            baked = bake(cluster, BakeOptions(builder, var_file, force, offline, refresh))
        if sign:
            signature.sign(baked.folder, sign)
        typer.echo(bake_summary(baked, as_json=json_output))


def _register_render(app: typer.Typer) -> None:
    """Add `render`."""

    @app.command()
    def render(
        spec: Path = SPEC,
        guest: str = typer.Option("", "--guest", help="Render for this guest instead of the spec's."),
    ) -> None:
        """Render the inputs of a bake. Writes the Packer template, guest files and seeds to build/CLUSTER/rendered."""
        from builder.image.foundations import with_guest
        from builder.image.preview import preview
        from builder.spec.load import load

        typer.echo(preview(with_guest(load(spec), guest)))


def _register_attest(app: typer.Typer) -> None:
    """Add `inspect` and `diff`."""

    @app.command()
    def inspect(
        image: Path = IMAGE,
        key: Path | None = typer.Option(None, "--key", help="Public minisign key of the signer."),
        json_output: bool = typer.Option(False, "--json", help="Print the result as JSON."),
    ) -> None:
        """Show and verify an image's SBOM, provenance and signature. Exits with code 1 if one is wrong."""
        from builder.image.attest import signature

        inspection = signature.inspect(image, key)
        typer.echo(signature.report(inspection, as_json=json_output))
        raise typer.Exit(Exit.OK if inspection.good else Exit.FAILED)

    @app.command()
    def diff(
        old: Path = IMAGE,
        new: Path = typer.Argument(..., help="Image to compare with."),
    ) -> None:
        """Compare packages, files and versions of two images. Exits with code 1 if any differ."""
        from builder.image.attest.signature import difference, record

        lines = difference(record(old), record(new))
        typer.echo("\n".join(lines) or "the same packages, files and versions")
        raise typer.Exit(Exit.FAILED if lines else Exit.OK)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    _register_render(app)
    _register_image(app)
    _register_attest(app)
