"""`vipforge init`, `check` and `schema`: write a spec, check it, describe it."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli.arguments import SPEC
from builder.errors import Exit


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def init(path: Path = typer.Argument(Path("cluster.yml"), help="Where to write it.")) -> None:
        """Write a commented spec to start from; it overwrites nothing."""
        from builder.progress import say
        from builder.spec.starter import write

        write(path)
        say(f"{path} is written; change it to your network, then: vipforge check {path}")

    @app.command()
    def check(
        spec: Path = SPEC,
        json_output: bool = typer.Option(False, "--json", help="Print the problems as a JSON list."),
    ) -> None:
        """Check a spec and show every problem with its line."""
        from builder.progress import warn
        from builder.spec import report

        if not json_output:
            cluster, warnings = report.inspect(spec)
            for warning in warnings:
                warn(str(warning))
            typer.echo(report.summary(cluster))
            return
        problems = report.problems(spec)
        typer.echo(report.as_json(problems))
        raise typer.Exit(Exit.BAD_SPEC if problems else Exit.OK)

    @app.command()
    def schema() -> None:
        """Print the JSON Schema of the spec, for editors."""
        from builder.spec.schema import schema as text

        typer.echo(text(), nl=False)
