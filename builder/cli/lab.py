"""`vipforge lab`: the pair on this host."""

from __future__ import annotations

from pathlib import Path

import typer

from builder.cli import SPEC, TRANSPORT


def register(app: typer.Typer) -> None:
    """Add the commands."""
    lab = typer.Typer(no_args_is_help=True, help="Boot the cluster's nodes on this host, and look at them.")
    app.add_typer(lab, name="lab")
    _register_life(lab)
    _register_looks(lab)


def _register_life(lab: typer.Typer) -> None:
    @lab.command()
    def up(
        spec: Path = SPEC,
        no_wait: bool = typer.Option(False, "--no-wait", help="Return when the machines run; do not wait for them."),
        transport: str = TRANSPORT,
    ) -> None:
        """Boot the nodes, with a network, servers and a client of their own."""
        from builder.lab import lifecycle
        from builder.seed.transports import find_transport
        from builder.spec.load import load

        lifecycle.up(load(spec), wait=not no_wait, transport=find_transport(transport, "cd"))

    @lab.command()
    def down(spec: Path = SPEC) -> None:
        """End the lab and remove all of it."""
        from builder.lab import lifecycle
        from builder.spec.load import load

        lifecycle.down(load(spec))


def _register_looks(lab: typer.Typer) -> None:
    @lab.command()
    def status(
        spec: Path = SPEC,
        json_output: bool = typer.Option(False, "--json", help="Print it for programs."),
    ) -> None:
        """Show who holds which VIP. Ends with code 0 if exactly one node holds each, else 1."""
        from builder.lab import status
        from builder.spec.load import load

        seen = status.status(load(spec))
        typer.echo(status.status_text(seen, as_json=json_output))
        raise typer.Exit(0 if seen.one_holder_each else 1)

    @lab.command()
    def ssh(
        spec: Path = SPEC,
        node: str = typer.Argument(..., help="A node's name, short or full."),
        command: list[str] = typer.Argument(None, help="A command, after --; left out, a login shell."),
    ) -> None:
        """Log in to a node, or run a command there."""
        from builder.lab import ssh
        from builder.spec.load import load

        ssh.login(load(spec), node, command or [])
