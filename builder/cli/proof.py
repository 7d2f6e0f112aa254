"""`vipforge rehearse` and `vipforge proof`: break the pair on purpose and measure what clients feel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from builder.cli.arguments import SPEC

if TYPE_CHECKING:
    from builder.proof.campaign import Asked
    from builder.proof.model import Proof

ONLY = typer.Option([], "--only", help="Run this scenario alone; may be given again. `vipforge scenarios` lists them.")
REPEAT = typer.Option(1, "--repeat", min=1, max=1000, help="Trials of each scenario.")
RANDOM_SEED = typer.Option(
    0, "--random-seed", help="Shuffle the scenarios and vary the wait before each fault; 0 keeps their order."
)
RATE = typer.Option(None, "--rate", min=1, max=1000, help="Milliseconds between two questions of a probe.")
VIP = typer.Option(None, "--vip", help="Watch this VIP, and break the node that holds it; else the first one.")
REPORT = typer.Option(None, "--report", help="Folder for report.html, proof.json and junit.xml.")
JSON = typer.Option(False, "--json", help="Print the results as JSON.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    _register_runs(app)

    @app.command()
    def scenarios() -> None:
        """List what `rehearse` and `proof` break."""
        from builder.proof.scenarios import listing

        typer.echo(listing.text())


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
        """Break the pair without machines: the real programs in network namespaces. Code 1 over a limit."""
        from builder.proof.rehearsal import rehearse as run

        _tell(run(spec, _asked(only, repeat, random_seed, rate, vip)), report, json_output)

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
        """Break the running lab's pair (`vipforge lab up`). Code 1 when clients waited longer than a limit."""
        from builder.proof.lab_proof import prove

        _tell(prove(spec, _asked(only, repeat, random_seed, rate, vip)), report, json_output)


def _asked(only: list[str], repeat: int, random_seed: int, rate: float | None, vip: str | None) -> Asked:
    from builder.proof.campaign import Asked

    return Asked(tuple(only), repeat, random_seed, rate / 1000 if rate else None, vip)


def _tell(proof: Proof, folder: Path | None, as_json: bool) -> None:
    from builder.errors import Exit
    from builder.progress import say
    from builder.proof import model, report, summary

    if folder:
        say(f"report: {report.write(proof, folder).html}")
    typer.echo(json.dumps(model.summary(proof), indent=2) if as_json else summary.for_stdout(proof))
    raise typer.Exit(Exit.INTERRUPTED if proof.interrupted else Exit.OK if proof.passed else Exit.FAILED)
