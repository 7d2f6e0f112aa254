"""`vipforge doctor`: what this host has and lacks."""

from __future__ import annotations

from pathlib import Path

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor(
        spec: Path = typer.Argument(None, help="Look also at what this spec needs.", readable=False),
        json_output: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
    ) -> None:
        """Say what this host has and lacks. Ends with code 3 where something is lacking."""
        from builder.doctor import report
        from builder.spec.load import load

        findings = report.examine(load(spec) if spec else None)
        typer.echo(report.as_json(findings) if json_output else report.as_text(findings))
        raise typer.Exit(report.exit_code(findings))
