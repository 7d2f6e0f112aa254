"""Compare the same scenarios under several configurations in one figure: the README's docs/failover.svg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from builder.core.files import write_atomic
from builder.faults import analysis
from builder.faults.model import ScenarioResult, Trial
from builder.faults.report import drawing
from builder.faults.report.lanes import outage_end, step_for
from builder.faults.report.story import counted, seconds

PAGE, MARGIN, PLOT = 760, 24, 440
"""Widths in pixels: the figure, its margin, and the longest bar; the rest is for the text beside the bars."""
HEAD, KEY, TITLE, BAR, GAP, FOOT = 44, 22, 24, 20, 12, 52
THICK, THIN, LEAST = 12, 2, 2
"""Pixels: the height of the bar up to the median and of the line up to the worst, and the shortest bar's width."""
MOST_TICKS = 5
LOOKS = ("muted", "node-0", "good", "node-1", "node-2")
"""The colours of the configurations, in order."""
STYLE = """\
svg{font:14px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
text{fill:var(--ink);stroke:var(--page);stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.head{font-size:18px;font-weight:650}
.title{font-weight:600}
.quiet{fill:var(--muted);font-size:12.5px}
.page{fill:var(--page)}
.axis{stroke:var(--line)}
"""


Results = Mapping[str, Sequence[ScenarioResult]]
"""Maps the name of each configuration to its results."""


def write_comparison(results: Results, path: Path) -> None:
    """Write the figure; scenarios are in the order of the first configuration."""
    write_atomic(path, comparison(results))


def comparison(results: Results) -> str:
    """The figure as standalone SVG; a configuration that lacks a scenario has no bar for it."""
    return _Figure(results).draw() + "\n"


def lasts_until_recovery(result: ScenarioResult) -> bool:
    """Whether in every trial the outage lasted until the recovery: the pair did not react to the fault."""
    return bool(result.trials) and all(map(_lasts, result.trials))


def _lasts(trial: Trial) -> bool:
    recovery = trial.ended_at if trial.recovered_at is None else trial.recovered_at
    probes = analysis.service_probes(trial.samples)
    return any(each.probe in probes and each.start < recovery <= outage_end(each, trial) for each in trial.outages)


class _Figure:
    def __init__(self, results: Results) -> None:
        self._by_name = {label: {each.name: each for each in of_one} for label, of_one in results.items()}
        self._looks = {label: LOOKS[number % len(LOOKS)] for number, label in enumerate(results)}
        self._results = [each for of_one in results.values() for each in of_one]
        self._titles = {each.name: each.title for each in self._results}
        self._longest = max((each.outage_s.worst for each in self._results), default=0) or 1.0
        self._root = drawing.element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
        self._y: float = HEAD

    def draw(self) -> str:
        self._describe()
        self._key()
        top = self._y
        bars = [self._scenario(name) for name in self._titles]
        self._scale(top)
        self._root.extend(bars)
        height = self._y + FOOT
        self._root.set("viewBox", f"0 0 {PAGE} {height:g}")
        return drawing.text_of(self._root)

    def _describe(self) -> None:
        sentences = [f"{self._titles[each.name]}, {label}: {_summary(each)}." for label, each in self._all()]
        drawing.append(self._root, "title", "How long clients wait for an answer")
        drawing.append(self._root, "desc", " ".join(sentences))
        drawing.append(self._root, "style", drawing.css() + STYLE)
        drawing.append(self._root, "rect", class_="page", width="100%", height="100%")
        self._text(MARGIN, 30, "How long clients wait for an answer", "head")

    def _all(self) -> list[tuple[str, ScenarioResult]]:
        return [
            (label, of_one[name]) for name in self._titles for label, of_one in self._by_name.items() if name in of_one
        ]

    def _key(self) -> None:
        for label, look in self._looks.items():
            drawing.append(self._root, "path", d=drawing.box(MARGIN, self._y, 14, THICK), fill=f"var(--{look})")
            self._text(MARGIN + 22, self._y + 11, label)
            self._y += KEY
        self._y += GAP

    def _scenario(self, name: str) -> ET.Element:
        drawn = drawing.element("g")
        drawing.append(drawn, "text", self._titles[name], x=MARGIN, y=self._y + 14, class_="title")
        self._y += TITLE
        for label, results in self._by_name.items():
            if name in results:
                self._bar(drawn, results[name], self._looks[label])
                self._y += BAR
        self._y += GAP
        return drawn

    def _bar(self, drawn: ET.Element, result: ScenarioResult, look: str) -> None:
        median, worst = (self._width(value) for value in (result.outage_s.median, result.outage_s.worst))
        if worst:
            bar = drawing.box(MARGIN, self._y, max(median, LEAST), THICK)
            line = drawing.box(MARGIN, self._y + (THICK - THIN) / 2, max(worst, LEAST), THIN)
            drawing.append(drawn, "path", d=bar + line, fill=f"var(--{look})")
        beside = max(worst, LEAST) + 8 if worst else 0
        drawing.append(drawn, "text", _summary(result), x=MARGIN + beside, y=self._y + 11, class_="quiet")

    def _scale(self, top: float) -> None:
        step = step_for(self._longest, MOST_TICKS)
        for number in range(int(self._longest / step + 1e-9) + 1):
            x = MARGIN + self._width(number * step)
            drawing.append(self._root, "path", class_="axis", d=drawing.tick(x, top, self._y - top))
            self._text(x, self._y + 16, f"{number * step:g} s", "quiet", "middle")
        repeats = sorted({each.repeats for each in self._results}) or [0]
        least = f"{repeats[0]} to " if len(repeats) > 1 else ""
        trials = f"{least}{counted(repeats[-1], 'trial')}"
        self._text(MARGIN, self._y + 38, f"Bar: median; line: worst. {trials} each, all in one run.", "quiet")

    def _width(self, value: float) -> float:
        return value / self._longest * PLOT

    def _text(self, x: float, y: float, text: str, look: str = "", anchor: str = "start") -> None:
        drawing.append(self._root, "text", text, x=x, y=y, class_=look, text_anchor=anchor)


def _summary(result: ScenarioResult) -> str:
    outage = result.outage_s
    if lasts_until_recovery(result):
        return f"{seconds(outage.worst)}: until the fault was removed"
    if not outage.worst:
        return "no wait"
    if result.repeats == 1:
        return seconds(outage.worst)
    if not outage.median:
        return f"no wait in most trials, worst {seconds(outage.worst)}"
    return f"median {seconds(outage.median)}, worst {seconds(outage.worst)}"
