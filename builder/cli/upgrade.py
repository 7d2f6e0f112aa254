"""`vipforge upgrade`: a new image or a changed spec on running nodes, without losing the service."""

from __future__ import annotations

import typer

from builder.cli import libvirt, vsphere


def register(app: typer.Typer) -> None:
    """Add the commands."""
    upgrade = typer.Typer(
        no_args_is_help=True, help="Bring a new image or a changed spec to running nodes, one at a time."
    )
    app.add_typer(upgrade, name="upgrade")
    libvirt.add_upgrade(upgrade)
    vsphere.add_upgrade(upgrade)
