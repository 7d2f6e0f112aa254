"""`vipforge deploy`, `upgrade` and `destroy` for every hypervisor; `export` of images; `push` to running nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from enum import StrEnum
from functools import partial
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin, get_type_hints

import typer

from builder.cli import SPEC, SPECS, finite, load_specs
from builder.deploy import Description, Verb, hypervisors

if TYPE_CHECKING:
    from builder.deploy.hypervisor import Hypervisor

Connect = Callable[[ExitStack], "Hypervisor"]

IMAGE = typer.Option(
    None, "--image", help="Image to use instead of the one in build/CLUSTER; its manifest.json must be beside it."
)


def deploy(
    connected: Connect,
    specs: list[Path] = SPECS,
    *,
    image: Path | None = IMAGE,
    node: str = typer.Option("", "--node", help="Deploy only this node."),
    replace: bool = typer.Option(
        False, "--replace", help="Replace a node that differs from the spec; by default, that is an error."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Show what exists and what would be created, and change nothing."
    ),
    wait: float = typer.Option(
        300, "--wait", callback=finite, help="Seconds to wait for the VIPs to answer; 0: do not wait."
    ),
) -> None:
    """Create the nodes on a hypervisor. A second run changes nothing."""
    from builder.core.progress import carry_out, plan_text
    from builder.deploy.hypervisor import Choice, await_vips

    clusters, choice = load_specs(specs), Choice(node, replace)
    with ExitStack() as stack:
        hypervisor = connected(stack)
        printed = [hypervisor.printout(*each, choice, image) for each in zip(clusters, specs, strict=True)]
        if any(printed):
            typer.echo("".join(printed), nl=False)
            return
        todo = hypervisor.deployment(clusters, choice, image)
        typer.echo(plan_text(todo))
        if dry_run:
            return
        carry_out(todo)
    for cluster in clusters if wait else ():
        await_vips(cluster, wait)


def upgrade(
    connected: Connect,
    spec: Path = SPEC,
    *,
    image: Path | None = IMAGE,
    ssh_config: Path | None = typer.Option(
        None, "--ssh-config", help="OpenSSH configuration file for reaching the nodes."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be done, and change nothing."),
    wait: float = typer.Option(
        600, "--wait", callback=finite, help="Seconds to wait for each node to become healthy."
    ),
) -> None:
    """Apply a new image or a changed spec, one node at a time."""
    from builder.nodes import running
    from builder.spec.load import load

    cluster = load(spec)
    with ExitStack() as stack:
        machines = connected(stack).machines(cluster, image)
        for line in running.upgrade(cluster, machines, ssh_config, wait, dry_run=dry_run):
            typer.echo(line)


def destroy(
    connected: Connect,
    spec: Path = SPEC,
    *,
    yes: bool = typer.Option(False, "--yes", help="Do not ask for confirmation."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would be removed, and remove nothing."),
) -> None:
    """Remove what a deployment created, and nothing else."""
    from builder.core.progress import carry_out, plan_text
    from builder.spec.load import load

    cluster = load(spec)
    with ExitStack() as stack:
        todo = connected(stack).removal(cluster)
        typer.echo(plan_text(todo, mark="-") or f"nothing of cluster {cluster.cluster} exists here")
        if dry_run or not todo:
            return
        if not yes:
            typer.confirm(f"Remove all of cluster {cluster.cluster}?", abort=True, err=True)
        carry_out(todo)


def _register_hypervisors(app: typer.Typer) -> None:
    """Add `deploy`, `upgrade` and `destroy`, each with one command per hypervisor."""
    verbs: dict[Verb, Callable[..., None]] = {"deploy": deploy, "upgrade": upgrade, "destroy": destroy}
    for verb, run in verbs.items():
        group = typer.Typer(no_args_is_help=True, help=run.__doc__)
        app.add_typer(group, name=verb)
        for name, description in hypervisors().items():
            group.command(name, help=getattr(description, verb))(_command(verb, run, name, description))


def _command(verb: Verb, run: Callable[..., None], name: str, description: Description) -> Callable[..., None]:
    """The verb's function for one hypervisor, with a composed signature, from which typer reads the options."""
    specific = list(_options(verb, description))

    def command(**arguments: Any) -> None:  # noqa: ANN401 - each option has its own type
        from builder.deploy.hypervisor import connect

        options = description.options(**{each.name: arguments.pop(each.name) for each in specific})
        run(partial(connect, name, options), **arguments)

    _, spec, *shared = signature(run, eval_str=True).parameters.values()
    keywords = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in (spec, *specific, *shared)]
    command.__signature__ = Signature(keywords)  # type: ignore[attr-defined]
    return command


def _options(verb: Verb, description: Description) -> Iterator[Parameter]:
    """The options that only this hypervisor has for the verb, as parameters for typer."""
    hints = get_type_hints(description.options)
    for each in dataclasses.fields(description.options):
        if verb not in each.metadata["verbs"]:
            continue
        kind = list[str] if get_origin(hints[each.name]) is Sequence else hints[each.name]
        default = ... if each.default is dataclasses.MISSING else each.default
        flag = f"--{each.name.replace('_', '-')}"
        shown = typer.Option(default, flag, help=each.metadata["help"])
        yield Parameter(each.name, Parameter.KEYWORD_ONLY, default=shown, annotation=kind)


class Form(StrEnum):
    """The formats in which an image can be exported."""

    OVA = "ova"
    VMDK = "vmdk"
    RAW = "raw"
    VHDX = "vhdx"


def _register_export(app: typer.Typer) -> None:
    """Add `export`."""

    @app.command()
    def export(
        image: Path = typer.Argument(..., help="Image to export: build/CLUSTER/appliance.qcow2."),
        to: Form = typer.Option(..., "--to", help="Format: ova for vCenter and ovftool; the others are bare disks."),
        output: Path | None = typer.Option(None, "--output", help="File to write; by default, beside the image."),
    ) -> None:
        """Convert an image to OVA, streamOptimized VMDK, raw or VHDX."""
        from builder.deploy.export import export as write

        typer.echo(write(image, to.value, output))


def _register_push(app: typer.Typer) -> None:
    """Add `push`."""

    @app.command()
    def push(
        spec: Path = SPEC,
        *,
        ssh_config: Path | None = typer.Option(
            None, "--ssh-config", help="OpenSSH configuration file for reaching the nodes."
        ),
        wait: float = typer.Option(60, "--wait", callback=finite, help="Seconds to wait for SSH on every node."),
    ) -> None:
        """Apply changed services to running nodes. Checks them on all nodes, then updates the nodes, standby first."""
        from builder.lab.ssh import ssh_setup
        from builder.nodes import push as pushing
        from builder.spec.load import load

        cluster = load(spec)
        for name in pushing.push(cluster, *ssh_setup(cluster, ssh_config), wait=wait):
            typer.echo(name)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    _register_export(app)
    _register_hypervisors(app)
    _register_push(app)
