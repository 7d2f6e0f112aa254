"""`vipforge verify`, `rehearse`, `proof` and `scenarios`: checking nodes, and injecting faults into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from builder.cli import SPEC, finite

if TYPE_CHECKING:
    from builder.faults.campaign import CampaignOptions
    from builder.faults.model import Proof

ONLY = typer.Option([], "--only", help="Run only this scenario; may be repeated. `vipforge scenarios` lists them.")
REPEAT = typer.Option(1, "--repeat", min=1, max=1000, help="Number of trials of each scenario.")
RANDOM_SEED = typer.Option(
    0, "--random-seed", help="Decides the order of scenarios and the wait before each fault; 0 keeps the listed order."
)
RATE = typer.Option(
    None, "--rate", min=1, max=1000, callback=finite, help="Milliseconds between two requests of a probe."
)
VIP = typer.Option(
    None, "--vip", help="Probe this VIP, and break the node that holds it; by default, the first VIP of the spec."
)
REPORT = typer.Option(None, "--report", help="Folder for report.html, proof.json and junit.xml.")
JSON = typer.Option(False, "--json", help="Print the results as JSON.")


def _register_verify(app: typer.Typer) -> None:
    """Add `verify`."""

    @app.command()
    def verify(
        spec: Path = SPEC,
        *,
        node: str | None = typer.Option(None, "--node", help="Check only this node, and skip checks across nodes."),
        ssh_config: Path | None = typer.Option(
            None, "--ssh-config", help="OpenSSH configuration file for reaching the nodes."
        ),
        wait: float = typer.Option(60, "--wait", callback=finite, help="Seconds to wait for SSH on every node."),
        junit: Path | None = typer.Option(None, "--junit", help="Also write the results to this file as JUnit XML."),
        json_output: bool = typer.Option(False, "--json", help="Print the results as JSON."),
    ) -> None:
        """Check the running nodes over SSH. Exits with code 1 if a check fails."""
        from builder.core.errors import Exit
        from builder.verify import plan, runner

        report = runner.verify(spec, runner.Options(ssh_config=ssh_config, junit=junit, node=node, wait=wait))
        typer.echo(json.dumps(report.as_data(), indent=2) if json_output else plan.for_stdout(report))
        raise typer.Exit(Exit.FAILED if report.failed else Exit.OK)


def _register_faults(app: typer.Typer) -> None:
    """Add `rehearse`, `proof` and `scenarios`."""
    _register_runs(app)

    @app.command()
    def scenarios() -> None:
        """List the scenarios for `rehearse` and `proof`."""
        from builder.faults.report import summary

        typer.echo(summary.scenario_table())


def _register_runs(app: typer.Typer) -> None:
    @app.command()
    def rehearse(
        spec: Path = SPEC,
        *,
        only: list[str] = ONLY,
        repeat: int = REPEAT,
        random_seed: int = RANDOM_SEED,
        rate: float | None = RATE,
        vip: str | None = VIP,
        report: Path | None = REPORT,
        json_output: bool = JSON,
    ) -> None:
        """Break a pair in network namespaces and measure outages. Exits with code 1 if one exceeds its limit."""
        from builder.faults.campaign import rehearse as run

        _report(run(spec, _options(only, repeat, random_seed, rate, vip)), report, json_output)

    @app.command()
    def proof(
        spec: Path = SPEC,
        *,
        only: list[str] = ONLY,
        repeat: int = REPEAT,
        random_seed: int = RANDOM_SEED,
        rate: float | None = RATE,
        vip: str | None = VIP,
        report: Path | None = REPORT,
        json_output: bool = JSON,
    ) -> None:
        """Break the running lab's pair and measure outages. Exits with code 1 if one exceeds its limit."""
        from builder.faults.campaign import prove

        _report(prove(spec, _options(only, repeat, random_seed, rate, vip)), report, json_output)


def _options(only: list[str], repeat: int, random_seed: int, rate: float | None, vip: str | None) -> CampaignOptions:
    from builder.faults.campaign import CampaignOptions

    return CampaignOptions(tuple(only), repeat, random_seed, rate / 1000 if rate else None, vip)


def _report(proof: Proof, folder: Path | None, as_json: bool) -> None:
    from builder.core.errors import Exit
    from builder.core.progress import say
    from builder.faults import model, report
    from builder.faults.report import summary

    if folder:
        say(f"report: {report.write_report(proof, folder).html}")
    typer.echo(json.dumps(model.summary(proof), indent=2) if as_json else summary.for_stdout(proof))
    raise typer.Exit(Exit.INTERRUPTED if proof.interrupted else Exit.OK if proof.passed else Exit.FAILED)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    _register_verify(app)
    _register_faults(app)
