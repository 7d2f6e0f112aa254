"""`vipforge destroy`: what a deployment made goes."""

from __future__ import annotations

import typer

from builder.cli import libvirt, vsphere


def register(app: typer.Typer) -> None:
    """Add the commands."""
    destroy = typer.Typer(
        no_args_is_help=True, help="Remove what a deployment made on a hypervisor, and nothing else."
    )
    app.add_typer(destroy, name="destroy")
    libvirt.add_destroy(destroy)
    vsphere.add_destroy(destroy)
