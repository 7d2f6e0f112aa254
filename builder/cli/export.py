"""`vipforge export`: the image as hypervisors take it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Form(StrEnum):
    """What an image can be written as."""

    OVA = "ova"
    VMDK = "vmdk"
    RAW = "raw"
    VHDX = "vhdx"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def export(
        image: Path = typer.Argument(..., help="The image: build/CLUSTER/appliance.qcow2."),
        to: Form = typer.Option(..., "--to", help="OVA for vCenter and ovftool, or the bare disk."),
        output: Path | None = typer.Option(None, "--output", help="Where to write it; left out, beside the image."),
    ) -> None:
        """Write the image in another form: OVA, streamOptimized VMDK, raw or VHDX."""
        from builder.ship.export import export as write

        typer.echo(write(image, to.value, output))
