"""`vipforge push`: a changed spec's services on the running nodes."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli.arguments import SPEC


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def push(
        spec: Path = SPEC,
        *,
        ssh_config: Path | None = typer.Option(
            None, "--ssh-config", help="OpenSSH configuration to reach the nodes with."
        ),
        wait: float = typer.Option(60, "--wait", help="Seconds until every node must have let us in."),
    ) -> None:
        """Bring changed services to the running nodes: checked on all, then one after the other, standby first."""
        from builder import push as pushing

        for name in pushing.push(spec, ssh_config, wait=wait):
            typer.echo(name)
