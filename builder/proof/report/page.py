"""report.html: one file that needs nothing else, from a template of its own.

Its Jinja2 environment escapes all that it prints, and cleans it before; SVG comes as Markup, made by an XML writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from builder.progress import duration
from builder.proof.model import Proof, ScenarioResult, Trial, least_busy
from builder.proof.report import palette
from builder.proof.report.clean import clean
from builder.proof.report.logs import Log, logs
from builder.proof.report.story import Event, events, faults
from builder.proof.report.timeline import figure
from builder.proof.report.verdict import conditions, figures, verdict
from builder.proof.report.windows import shown, windows
from builder.proof.report.words import count, moment, seconds, some

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
            style=Markup(palette.css() + (FOLDER / "style.css").read_text()),  # noqa: S704 - our own file
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
    return Section(ident, result, _shown(trial, ident) if trial else None, faults(result))


def _shown(trial: Trial, ident: str) -> Shown:
    drawn = tuple(
        (window.title, Markup(figure(trial, window, f"{ident}-{number}")))  # noqa: S704 - the XML writer has escaped it
        for number, window in enumerate(windows(trial), 1)
    )
    return Shown(trial, drawn, events(trial), logs(trial))
