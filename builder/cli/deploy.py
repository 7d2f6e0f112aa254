"""`vipforge deploy`: the nodes on a hypervisor."""

from __future__ import annotations

import typer

from builder.cli import libvirt, vsphere


def register(app: typer.Typer) -> None:
    """Add the commands."""
    deploy = typer.Typer(no_args_is_help=True, help="Put the nodes on a hypervisor; a second run changes nothing.")
    app.add_typer(deploy, name="deploy")
    libvirt.add_deploy(deploy)
    vsphere.add_deploy(deploy)
