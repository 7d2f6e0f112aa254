"""`vipforge init`, `check`, `schema`, `seed` and `transports`: commands that need only a spec."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from builder.cli import TRANSPORT, load_specs
from builder.core.errors import Exit, SpecError

if TYPE_CHECKING:  # the model loads pydantic, which would take most of the time of `--help`
    from builder.core.errors import LocatedProblem
    from builder.spec.model import Cluster
    from builder.spec.problem import Problem


def _further_problems(cluster: Cluster) -> Iterator[Problem]:
    """Problems that other packages find; each package is loaded only if the spec uses its keys."""
    from builder.spec.problem import decidable

    for check in (_limit_problems, _release_problems):
        yield from decidable(check(cluster))


def _limit_problems(cluster: Cluster) -> Iterator[Problem]:
    if cluster.proof.limits:
        from builder.faults.limits import limit_problems

        yield from limit_problems(cluster)


def _release_problems(cluster: Cluster) -> Iterator[Problem]:
    if cluster.keepalived or cluster.haproxy.source or cluster.guest != "auto":
        from builder.image.foundations import guest_problems, version_problems

        yield from version_problems(cluster)
        yield from guest_problems(cluster)


def _deep_check(specs: list[Path]) -> tuple[tuple[LocatedProblem, ...], list[str]]:
    """The problems that the guest's programs find in valid specs, and a line for each spec that they accept."""
    from builder.image.judge import deep_problems
    from builder.spec import report

    accepted: list[str] = []
    return report.problems(specs, lambda cluster: deep_problems(cluster, accepted)), accepted


def _register_init(app: typer.Typer) -> None:
    """Add `init`."""

    @app.command()
    def init(
        path: Path = typer.Argument(
            None, help="File to write, by default cluster.yml; with --example a folder, by default of that name."
        ),
        example: str = typer.Option(
            "", "--example", help="Write this example instead, with certificates and passwords for the lab."
        ),
        ssh_key: Path = typer.Option(
            None, "--ssh-key", help="Your public key; by default one of your ssh-agent or ~/.ssh."
        ),
    ) -> None:
        """Write a commented spec to start from. Existing files are never overwritten."""
        from builder.core.progress import say, warn
        from builder.spec.own_key import own_key
        from builder.spec.starter import NO_KEY, write_example, write_starter

        key = own_key(ssh_key)
        spec = write_example(example, path or Path(example), key) if example else path or Path("cluster.yml")
        if not example:
            write_starter(spec, key)
        if key:
            say(f"the operator logs in with {key.name}, from {key.origin} (--ssh-key names another)")
        else:
            warn(NO_KEY)
        say(f"wrote {spec}; adapt it to your network, then run: vipforge check {shlex.quote(str(spec))}")


def _register_check(app: typer.Typer) -> None:
    """Add `check` and `schema`."""

    @app.command()
    def check(
        specs: list[Path] = typer.Argument(
            ..., help="Spec of the cluster; several specs are also checked against each other.", readable=False
        ),
        deep: bool = typer.Option(
            False, "--deep", help="Also ask the guest's own HAProxy and keepalived, if this host has them."
        ),
        json_output: bool = typer.Option(False, "--json", help="Print the problems as a JSON list."),
    ) -> None:
        """Check specs, and report every problem with its line."""
        from builder.core.progress import warn
        from builder.spec import report

        if json_output:
            problems = report.problems(specs, _further_problems)
            problems = _deep_check(specs)[0] if deep and not problems else problems
            typer.echo(report.problems_json(problems))
            raise typer.Exit(Exit.BAD_SPEC if problems else Exit.OK)
        clusters, warnings = report.inspect(specs, _further_problems)
        for warning in warnings:
            warn(str(warning))
        problems, accepted = _deep_check(specs) if deep else ((), [])
        if problems:
            raise SpecError(problems)
        typer.echo("\n".join([*map(report.spec_summary, clusters), *(f"OK: {line}" for line in accepted)]))

    @app.command()
    def schema() -> None:
        """Print the JSON Schema of specs, for editors."""
        from builder.spec.report import schema as text

        typer.echo(text(), nl=False)


def _register_seed(app: typer.Typer) -> None:
    """Add `seed` and `transports`."""

    @app.command()
    def seed(
        specs: list[Path] = typer.Argument(
            ..., help="Spec of the cluster; the seeds of several specs are written together.", readable=False
        ),
        to: Path | None = typer.Option(
            None,
            "--to",
            help="Folder for the seeds; with several specs, one subfolder each. Default: build/CLUSTER/seeds.",
        ),
        transport: str = TRANSPORT,
        target: Literal["libvirt"] | None = typer.Option(
            None, "--for", help="Find network cards by the hardware addresses that `deploy libvirt` gives them."
        ),
        json_output: bool = typer.Option(
            False, "--json", help="Print node names and paths as JSON, for several specs by cluster."
        ),
    ) -> None:
        """Write the seed of each node. Seeds go to build/CLUSTER/seeds by default, readable only by you."""
        from builder.deploy.export import write_clusters
        from builder.lab.network import macs
        from builder.seed.network import spec_addresses
        from builder.seed.transports import find_transport

        known = macs if target else spec_addresses
        written = write_clusters(load_specs(specs), to, transport=find_transport(transport), known=known)
        seeds = {cluster: {name: str(path) for name, path in paths.items()} for cluster, paths in written.items()}
        if json_output:
            typer.echo(json.dumps(seeds if len(specs) > 1 else next(iter(seeds.values())), indent=2))
            return
        for paths in seeds.values():
            for name, path in paths.items():
                typer.echo(f"{name}  {path}")

    @app.command()
    def transports() -> None:
        """List the transports that can carry a seed to its node."""
        from builder.seed.transports import listing

        typer.echo(listing())


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    _register_init(app)
    _register_check(app)
    _register_seed(app)
