"""The report of a proof: one self-contained HTML page without scripts, the results as JSON, and JUnit XML for CI."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builder.core.files import write_atomic
from builder.core.markup import clean
from builder.core.progress import duration
from builder.faults import model
from builder.faults.model import Proof, ScenarioResult, Trial, least_busy
from builder.faults.report import drawing
from builder.faults.report.story import (
    Event,
    Log,
    conditions,
    counted,
    figures,
    further_failures,
    grouped,
    logs,
    overall_verdict,
    seconds,
    timestamp,
    trial_events,
)
from builder.faults.report.summary import junit
from builder.faults.report.timeline import figure, windows, worst_trial

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class TrialView:
    """The trial of a scenario that the page shows, with its figures and texts."""

    trial: Trial
    figures: tuple[tuple[str, Markup], ...]
    """Title and SVG of each figure."""
    events: list[Event]
    logs: list[Log]


@dataclass(frozen=True)
class Section:
    """The page's section about one scenario."""

    ident: str
    result: ScenarioResult
    view: TrialView | None
    failures: tuple[str, ...]


def html(proof: Proof) -> str:
    """The whole page."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            proof=proof,
            conditions=conditions(proof),
            verdict=overall_verdict(proof),
            figures=figures(proof),
            sections=[_section(number, result) for number, result in enumerate(proof.scenarios, 1)],
            style=Markup(drawing.css() + (FOLDER / "style.css").read_text()),  # noqa: S704 - a file of this package
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=_cleaned,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=seconds,
        duration=duration,
        timestamp=timestamp,
        grouped=grouped,
        counted=counted,
        busy=lambda result: least_busy(result).items(),
    )
    return environment


def _cleaned(value: object) -> object:
    return value if hasattr(value, "__html__") else clean(str(value))


def _section(number: int, result: ScenarioResult) -> Section:
    ident = f"scenario-{number}"
    trial = worst_trial(result)
    return Section(ident, result, _view(trial, ident) if trial else None, further_failures(result))


def _view(trial: Trial, ident: str) -> TrialView:
    drawn = tuple(
        (window.title, Markup(figure(trial, window, f"{ident}-{number}")))  # noqa: S704 - the XML writer has escaped it
        for number, window in enumerate(windows(trial), 1)
    )
    return TrialView(trial, drawn, trial_events(trial), logs(trial))


@dataclass(frozen=True)
class ReportFiles:
    """The files of a written report."""

    html: Path
    json: Path
    junit: Path


def write_report(proof: Proof, folder: Path) -> ReportFiles:
    """Write report.html, proof.json and junit.xml to a folder, each atomically."""
    files = ReportFiles(folder / "report.html", folder / "proof.json", folder / "junit.xml")
    write_atomic(files.json, _json(proof))
    write_atomic(files.junit, junit(proof))
    write_atomic(files.html, html(proof))
    return files


def _json(proof: Proof) -> str:
    """The summary plus all trials and samples; `model.from_data` can read the proof from it."""
    complete, data = model.to_data(proof), model.summary(proof)
    for short, long in zip(data["scenarios"], complete["scenarios"], strict=True):
        short["trials"] = long["trials"]
    return json.dumps(data, separators=(",", ":")) + "\n"
