"""`vipforge lab`: the pair on this host."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli import SPEC, TRANSPORT


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    lab = typer.Typer(no_args_is_help=True, help="Run the cluster's nodes on this host.")
    app.add_typer(lab, name="lab")
    _register_life(lab)
    _register_looks(lab)


def _register_life(lab: typer.Typer) -> None:
    @lab.command()
    def up(
        spec: Path = SPEC,
        no_wait: bool = typer.Option(
            False, "--no-wait", help="Return as soon as the machines run, before they are ready."
        ),
        transport: str = TRANSPORT,
    ) -> None:
        """Boot the nodes, with their own network, stubs and a client."""
        from builder.lab import lifecycle
        from builder.seed.transports import find_transport
        from builder.spec.load import load

        lifecycle.up(load(spec), wait=not no_wait, transport=find_transport(transport, "cd"))

    @lab.command()
    def down(spec: Path = SPEC) -> None:
        """Stop the lab and remove everything in it."""
        from builder.lab import lifecycle
        from builder.spec.load import load

        lifecycle.down(load(spec))


def _register_looks(lab: typer.Typer) -> None:
    @lab.command()
    def status(
        spec: Path = SPEC,
        json_output: bool = typer.Option(False, "--json", help="Print the status as JSON."),
    ) -> None:
        """Show which node holds each VIP. Exits with code 1 unless exactly one node holds each."""
        from builder.lab import status
        from builder.spec.load import load

        current = status.status(load(spec))
        typer.echo(status.status_text(current, as_json=json_output))
        raise typer.Exit(0 if current.one_holder_each else 1)

    @lab.command()
    def ssh(
        spec: Path = SPEC,
        node: str = typer.Argument(..., help="Name of the node, short or full."),
        command: list[str] = typer.Argument(None, help="Command to run, after --; by default, a login shell."),
    ) -> None:
        """Log in to a node, or run a command on it."""
        from builder.lab import ssh
        from builder.spec.load import load

        ssh.login(load(spec), node, command or [])
