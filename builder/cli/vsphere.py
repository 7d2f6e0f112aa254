"""The commands that speak with a vCenter: `vipforge deploy`, `upgrade` and `destroy vsphere`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from builder.cli.arguments import SPEC, SPECS

if TYPE_CHECKING:
    from builder.ship.vsphere import Site, Target


class Seed(StrEnum):
    """How a seed reaches a machine."""

    ISO = "iso"
    GUESTINFO = "guestinfo"
    OVF = "ovf"


SERVER = typer.Option(..., "--server", help="vCenter's host name, with :PORT where it is not 443.")
USER = typer.Option(..., "--user", help="Who logs in; the password is VIPFORGE_VSPHERE_PASSWORD.")
DATACENTER = typer.Option("", "--datacenter", help="Data centre; left out, the only one.")
CLUSTER = typer.Option("", "--cluster", help="Cluster of hosts; left out, the only one.")
DATASTORE = typer.Option("", "--datastore", help="Datastore for the machines; left out, the only one.")
NETWORK = typer.Option("", "--network", help="The nodes' port group; left out, the only one.")
ROAD = typer.Option(Seed.ISO, "--seed", help="How seeds reach the nodes: CD, guestinfo or vApp properties.")
INSECURE = typer.Option(False, "--insecure", help="Do not check vCenter's certificate.")
IMAGE = typer.Option(None, "--image", help="Another image than build/CLUSTER has; its manifest.json lies beside it.")


def add_deploy(app: typer.Typer) -> None:
    """Add `deploy vsphere`."""

    @app.command()
    def vsphere(
        specs: list[Path] = SPECS,
        *,
        server: str = SERVER,
        user: str = USER,
        datacenter: str = DATACENTER,
        cluster: str = CLUSTER,
        datastore: str = DATASTORE,
        network: str = NETWORK,
        seed: Seed = ROAD,
        insecure: bool = INSECURE,
        image: Path | None = IMAGE,
        node: str = typer.Option("", "--node", help="This node alone."),
        replace: bool = typer.Option(
            False, "--replace", help="Make a node that differs anew, instead of refusing it."
        ),
        dry_run: bool = typer.Option(False, "--dry-run", help="Show what is there and what would be made."),
        wait: float = typer.Option(300, "--wait", help="Seconds until the VIPs must answer; 0 does not wait."),
    ) -> None:
        """Make the nodes machines of a vCenter, cloned from the cluster's baked image."""
        from builder.ship import answer
        from builder.ship import steps as work
        from builder.ship.vsphere.deploy import steps
        from builder.spec.load import load

        clusters = [load(spec) for spec in specs]
        with _target(server, user, (datacenter, cluster, datastore, network), seed, insecure=insecure) as target:
            todo = steps(clusters, target, work.Choice(node, replace), image)
            typer.echo(work.plan(todo))
            if dry_run:
                return
            work.carry_out(todo)
        for each in clusters if wait else ():
            answer.await_vips(each, wait)


def add_upgrade(app: typer.Typer) -> None:
    """Add `upgrade vsphere`."""

    @app.command()
    def vsphere(
        spec: Path = SPEC,
        *,
        server: str = SERVER,
        user: str = USER,
        datacenter: str = DATACENTER,
        cluster: str = CLUSTER,
        datastore: str = DATASTORE,
        network: str = NETWORK,
        seed: Seed = ROAD,
        insecure: bool = INSECURE,
        image: Path | None = IMAGE,
        ssh_config: Path | None = typer.Option(None, "--ssh-config", help="OpenSSH configuration to reach the nodes."),
        dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be done, and do nothing."),
        wait: float = typer.Option(600, "--wait", help="Seconds that a node may take to become healthy."),
    ) -> None:
        """Make each node anew, the standby first; what does not become healthy is taken back."""
        from builder import running
        from builder.ship.vsphere.upgrade import Machines
        from builder.spec.load import load

        loaded = load(spec)
        with _target(server, user, (datacenter, cluster, datastore, network), seed, insecure=insecure) as target:
            machines = Machines(loaded, target, image)
            for line in running.upgrade(loaded, machines, ssh_config, wait, dry_run=dry_run):
                typer.echo(line)


def add_destroy(app: typer.Typer) -> None:
    """Add `destroy vsphere`."""

    @app.command()
    def vsphere(
        spec: Path = SPEC,
        *,
        server: str = SERVER,
        user: str = USER,
        datacenter: str = DATACENTER,
        cluster: str = CLUSTER,
        datastore: str = DATASTORE,
        network: str = NETWORK,
        insecure: bool = INSECURE,
        yes: bool = typer.Option(False, "--yes", help="Do not ask."),
        dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be removed, and remove nothing."),
    ) -> None:
        """Remove the cluster's machines, seeds and rule, and its image if no other cluster uses it."""
        from builder.ship import steps as work
        from builder.ship.vsphere.destroy import steps
        from builder.spec.load import load

        loaded = load(spec)
        with _target(server, user, (datacenter, cluster, datastore, network), Seed.ISO, insecure=insecure) as target:
            todo = steps(loaded, target.site, target.who)
            typer.echo(work.plan(todo, made="-") or f"nothing of {loaded.cluster} is there")
            if dry_run or not todo:
                return
            if not yes:
                typer.confirm(f"remove all of {loaded.cluster}?", abort=True, err=True)
            work.carry_out(todo)


@contextmanager
def _target(
    server: str, user: str, names: tuple[str, str, str, str], seed: Seed, *, insecure: bool
) -> Iterator[Target]:
    """Log in, and find the places of these names: data centre, cluster of hosts, datastore, port group."""
    from builder.ship import vsphere

    who = vsphere.login(server, user, insecure=insecure)
    with vsphere.connected(who) as service:
        place: Site = vsphere.site(service, vsphere.Names(*names))
        yield vsphere.Target(place, who, seed.value)
