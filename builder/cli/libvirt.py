"""The commands that speak with libvirt: `vipforge deploy`, `upgrade` and `destroy libvirt`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from builder.cli.arguments import SPEC, SPECS


class Show(StrEnum):
    """What `--print` prints."""

    XML = "xml"
    COMMANDS = "commands"


CONNECT = typer.Option([], "--connect", help="Host; repeat it to spread the nodes. Left out, the spec's.")
POOL = typer.Option("", "--pool", help="Storage pool for images, disks and seeds.")
NETWORK = typer.Option("", "--network", help="The nodes' libvirt network.")
BRIDGE = typer.Option("", "--bridge", help="The hosts' bridge for the nodes, instead of a network.")
IMAGE = typer.Option(None, "--image", help="Another image than build/CLUSTER has; its manifest.json lies beside it.")


def add_deploy(app: typer.Typer) -> None:
    """Add `deploy libvirt`."""

    @app.command()
    def libvirt(
        specs: list[Path] = SPECS,
        *,
        connect: list[str] = CONNECT,
        pool: str = POOL,
        network: str = NETWORK,
        bridge: str = BRIDGE,
        image: Path | None = IMAGE,
        node: str = typer.Option("", "--node", help="This node alone."),
        replace: bool = typer.Option(
            False, "--replace", help="Make a node that differs anew, instead of refusing it."
        ),
        dry_run: bool = typer.Option(False, "--dry-run", help="Show what is there and what would be made."),
        show: Show | None = typer.Option(None, "--print", help="Make nothing: print domain XML, or a shell's lines."),
        wait: float = typer.Option(300, "--wait", help="Seconds until the VIPs must answer; 0 does not wait."),
    ) -> None:
        """Make the nodes domains of libvirt, from the cluster's baked image."""
        from contextlib import ExitStack

        from builder.ship import answer
        from builder.ship import steps as work
        from builder.ship.kvm import byhand
        from builder.ship.kvm.deploy import steps
        from builder.ship.kvm.place import Options
        from builder.spec.load import load

        clusters = [load(spec) for spec in specs]
        asked, choice = Options(connect, pool, network, bridge), work.Choice(node, replace)
        if show:
            for cluster, spec in zip(clusters, specs, strict=True):
                typer.echo(byhand.shown(show.value, cluster, spec, asked, choice=choice, image=image), nl=False)
            return
        with ExitStack() as stack:
            todo = steps(clusters, asked, stack, choice, image)
            typer.echo(work.plan(todo))
            if dry_run:
                return
            work.carry_out(todo)
        for cluster in clusters if wait else ():
            answer.await_vips(cluster, wait)


def add_upgrade(app: typer.Typer) -> None:
    """Add `upgrade libvirt`."""

    @app.command()
    def libvirt(
        spec: Path = SPEC,
        *,
        connect: list[str] = CONNECT,
        pool: str = POOL,
        network: str = NETWORK,
        bridge: str = BRIDGE,
        image: Path | None = IMAGE,
        ssh_config: Path | None = typer.Option(None, "--ssh-config", help="OpenSSH configuration to reach the nodes."),
        dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be done, and do nothing."),
        wait: float = typer.Option(600, "--wait", help="Seconds that a node may take to become healthy."),
    ) -> None:
        """Make each node anew, the standby first; what does not become healthy is taken back."""
        from contextlib import ExitStack

        from builder import running
        from builder.ship.kvm.place import Options
        from builder.ship.kvm.upgrade import Domains
        from builder.spec.load import load

        cluster = load(spec)
        with ExitStack() as stack:
            machines = Domains(cluster, Options(connect, pool, network, bridge), stack, image)
            for line in running.upgrade(cluster, machines, ssh_config, wait, dry_run=dry_run):
                typer.echo(line)


def add_destroy(app: typer.Typer) -> None:
    """Add `destroy libvirt`."""

    @app.command()
    def libvirt(
        spec: Path = SPEC,
        *,
        connect: list[str] = CONNECT,
        pool: str = POOL,
        yes: bool = typer.Option(False, "--yes", help="Do not ask."),
        dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be removed, and remove nothing."),
    ) -> None:
        """Remove the cluster's domains, disks, seeds, and its image if no other cluster uses it."""
        from contextlib import ExitStack

        from builder.ship import steps as work
        from builder.ship.kvm.destroy import steps
        from builder.ship.kvm.place import Options
        from builder.spec.load import load

        cluster = load(spec)
        with ExitStack() as stack:
            todo = steps(cluster, Options(connect, pool), stack)
            typer.echo(work.plan(todo, made="-") or f"nothing of {cluster.cluster} is there")
            if dry_run or not todo:
                return
            if not yes:
                typer.confirm(f"remove all of {cluster.cluster}?", abort=True, err=True)
            work.carry_out(todo)
