"""The report of a proof: one HTML page without scripts from elsewhere, and JSON beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builder.core.files import write_atomic
from builder.core.progress import duration
from builder.faults import model
from builder.faults.model import Proof, ScenarioResult, Trial, least_busy
from builder.faults.report import drawing
from builder.faults.report.drawing import clean
from builder.faults.report.story import (
    Event,
    Log,
    conditions,
    count,
    events,
    failures,
    figures,
    logs,
    moment,
    seconds,
    some,
    verdict,
)
from builder.faults.report.summary import junit
from builder.faults.report.timeline import figure, shown, windows

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Shown:
    """The trial of a scenario that the page shows."""

    trial: Trial
    figures: tuple[tuple[str, Markup], ...]
    """What each shows, and its SVG."""
    events: list[Event]
    logs: list[Log]


@dataclass(frozen=True)
class Section:
    """What the page says of one scenario."""

    ident: str
    result: ScenarioResult
    shown: Shown | None
    faults: tuple[str, ...]


def html(proof: Proof) -> str:
    """The whole page."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            proof=proof,
            conditions=conditions(proof),
            verdict=verdict(proof),
            figures=figures(proof),
            sections=[_section(number, result) for number, result in enumerate(proof.scenarios, 1)],
            style=Markup(drawing.css() + (FOLDER / "style.css").read_text()),  # noqa: S704 - our own file
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=_cleaned,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        seconds=seconds,
        duration=duration,
        moment=moment,
        count=count,
        some=some,
        busy=lambda result: least_busy(result).items(),
    )
    return made


def _cleaned(value: object) -> object:
    return value if hasattr(value, "__html__") else clean(str(value))


def _section(number: int, result: ScenarioResult) -> Section:
    ident = f"scenario-{number}"
    trial = shown(result)
    return Section(ident, result, _shown(trial, ident) if trial else None, failures(result))


def _shown(trial: Trial, ident: str) -> Shown:
    drawn = tuple(
        (window.title, Markup(figure(trial, window, f"{ident}-{number}")))  # noqa: S704 - the XML writer has escaped it
        for number, window in enumerate(windows(trial), 1)
    )
    return Shown(trial, drawn, events(trial), logs(trial))


@dataclass(frozen=True)
class ReportFiles:
    """Where the report has been written."""

    html: Path
    json: Path
    junit: Path


def write_report(proof: Proof, folder: Path) -> ReportFiles:
    """Put report.html, proof.json and junit.xml into a folder, each whole or not at all."""
    files = ReportFiles(folder / "report.html", folder / "proof.json", folder / "junit.xml")
    write_atomic(files.json, _json(proof))
    write_atomic(files.junit, junit(proof))
    write_atomic(files.html, html(proof))
    return files


def _json(proof: Proof) -> str:
    """The summary with every trial and sample added: `model.from_data` reads the proof back from it."""
    whole, data = model.to_data(proof), model.summary(proof)
    for short, long in zip(data["scenarios"], whole["scenarios"], strict=True):
        short["trials"] = long["trials"]
    return json.dumps(data, separators=(",", ":")) + "\n"
