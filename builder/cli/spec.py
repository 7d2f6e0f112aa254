"""Commands that need a spec alone: `vipforge init`, `check`, `schema`, `seed` and `transports`."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from builder.cli import SPEC, TRANSPORT
from builder.core.errors import Exit


def _register_spec(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def init(path: Path = typer.Argument(Path("cluster.yml"), help="Where to write it.")) -> None:
        """Write a commented spec to start from; it overwrites nothing."""
        from builder.core.progress import say
        from builder.spec.report import write_starter

        write_starter(path)
        say(f"{path} is written; change it to your network, then: vipforge check {path}")

    @app.command()
    def check(
        spec: Path = SPEC,
        json_output: bool = typer.Option(False, "--json", help="Print the problems as a JSON list."),
    ) -> None:
        """Check a spec and show every problem with its line."""
        from builder.core.progress import warn
        from builder.spec import report

        if not json_output:
            cluster, warnings = report.inspect(spec)
            for warning in warnings:
                warn(str(warning))
            typer.echo(report.spec_summary(cluster))
            return
        problems = report.problems(spec)
        typer.echo(report.as_json(problems))
        raise typer.Exit(Exit.BAD_SPEC if problems else Exit.OK)

    @app.command()
    def schema() -> None:
        """Print the JSON Schema of the spec, for editors."""
        from builder.spec.report import schema as text

        typer.echo(text(), nl=False)


def _register_seed(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def seed(
        specs: list[Path] = typer.Argument(
            ..., help="The cluster's spec; several are written together.", readable=False
        ),
        to: Path | None = typer.Option(
            None,
            "--to",
            help="Folder for the seeds, of several specs for a folder each; left out, build/CLUSTER/seeds.",
        ),
        transport: str = TRANSPORT,
        json_output: bool = typer.Option(
            False, "--json", help="Print node names and paths as JSON; of several specs, by cluster."
        ),
    ) -> None:
        """Write each node's seed. They go to build/CLUSTER/seeds, readable by you only."""
        from builder.deploy.export import write_specs
        from builder.seed.transports import find_transport

        made = write_specs(specs, to, transport=find_transport(transport))
        shown = {cluster: {name: str(path) for name, path in paths.items()} for cluster, paths in made.items()}
        if json_output:
            typer.echo(json.dumps(shown if len(specs) > 1 else next(iter(shown.values())), indent=2))
            return
        for paths in shown.values():
            for name, path in paths.items():
                typer.echo(f"{name}  {path}")

    @app.command()
    def transports() -> None:
        """List the ways in which a seed can reach its node."""
        from builder.seed.transports import listing

        typer.echo(listing())


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_spec(app)
    _register_seed(app)
