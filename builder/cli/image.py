"""`vipforge image`: bake the appliance."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli.arguments import SPEC


def register(app: typer.Typer) -> None:
    """Add the command."""

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
        from builder.foundations import instead
        from builder.spec.load import load
        from builder.trace import traced

        cluster = instead(load(spec), guest)
        if why:
            from builder.bake import explain, plan

            found = explain.explain(plan.bake_plan(cluster, builder, offline=offline))
            typer.echo(explain.as_json(found) if json_output else explain.text(found))
            return

        from builder.bake.appliance import BakeOptions, bake
        from builder.bake.report import summary
        from builder.papers import signature

        with traced(f"vipforge image {spec}", timings):
            baked = bake(cluster, BakeOptions(builder, var_file, force, offline, refresh))
        if sign:
            signature.sign(baked.folder, sign)
        typer.echo(summary(baked, as_json=json_output))
