"""`vipforge verify`: check the running nodes."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from builder.cli.arguments import SPEC


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def verify(
        spec: Path = SPEC,
        *,
        node: str | None = typer.Option(None, "--node", help="Check this node alone, not what holds between nodes."),
        ssh_config: Path | None = typer.Option(
            None, "--ssh-config", help="OpenSSH configuration to reach the nodes with."
        ),
        wait: float = typer.Option(60, "--wait", help="Seconds until every node must have let us in."),
        junit: Path | None = typer.Option(None, "--junit", help="Write the results as JUnit XML, too."),
        json_output: bool = typer.Option(False, "--json", help="Print the results as JSON."),
    ) -> None:
        """Check the running nodes over SSH. Ends with code 1 when a check failed."""
        from builder.errors import Exit
        from builder.proof import runner, table

        report = runner.verify(spec, runner.Options(ssh_config=ssh_config, junit=junit, node=node, wait=wait))
        typer.echo(json.dumps(report.as_data(), indent=2) if json_output else table.for_stdout(report))
        raise typer.Exit(Exit.FAILED if report.failed else Exit.OK)
