"""The same scenarios under several configurations, side by side: the README's figure, docs/failover.svg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from builder.core.files import write_atomic
from builder.faults import analysis
from builder.faults.model import ScenarioResult, Trial
from builder.faults.report import drawing
from builder.faults.report.lanes import end, step_for
from builder.faults.report.story import seconds, some

PAGE, MARGIN, PLOT = 760, 24, 440
"""Pixels across: the figure, what is free around it, and the longest bar; the rest is for the bars' words."""
HEAD, KEY, TITLE, BAR, GAP, FOOT = 44, 22, 24, 20, 12, 52
THICK, THIN, LEAST = 12, 2, 2
"""Pixels: a bar to the median, its line on to the worst, and the shortest bar."""
MOST_TICKS = 5
LOOKS = ("muted", "node-0", "good", "node-1", "node-2")
"""The colours of the configurations, in their order."""
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
"""What each configuration came to; the key is what it is called."""


def write_comparison(results: Results, path: Path) -> None:
    """Write the figure; the first configuration's order of scenarios is kept."""
    write_atomic(path, comparison(results))


def comparison(results: Results) -> str:
    """The figure as SVG that stands alone; a configuration without a scenario has no bar in it."""
    return _Figure(results).draw() + "\n"


def until_mended(result: ScenarioResult) -> bool:
    """Whether in every trial clients waited until the fault was mended: the pair did not help them."""
    return bool(result.trials) and all(map(_lasts, result.trials))


def _lasts(trial: Trial) -> bool:
    mended = trial.ended_at if trial.recovered_at is None else trial.recovered_at
    asked = analysis.service_probes(trial.samples)
    return any(each.probe in asked and each.start < mended <= end(each, trial) for each in trial.outages)


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
        told = [f"{self._titles[each.name]}, {label}: {_told(each)}." for label, each in self._all()]
        drawing.add(self._root, "title", "How long clients wait for an answer")
        drawing.add(self._root, "desc", " ".join(told))
        drawing.add(self._root, "style", drawing.css() + STYLE)
        drawing.add(self._root, "rect", class_="page", width="100%", height="100%")
        self._text(MARGIN, 30, "How long clients wait for an answer", "head")

    def _all(self) -> list[tuple[str, ScenarioResult]]:
        return [
            (label, of_one[name]) for name in self._titles for label, of_one in self._by_name.items() if name in of_one
        ]

    def _key(self) -> None:
        for label, look in self._looks.items():
            drawing.add(self._root, "path", d=drawing.box(MARGIN, self._y, 14, THICK), fill=f"var(--{look})")
            self._text(MARGIN + 22, self._y + 11, label)
            self._y += KEY
        self._y += GAP

    def _scenario(self, name: str) -> ET.Element:
        drawn = drawing.element("g")
        drawing.add(drawn, "text", self._titles[name], x=MARGIN, y=self._y + 14, class_="title")
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
            drawing.add(drawn, "path", d=bar + line, fill=f"var(--{look})")
        beside = max(worst, LEAST) + 8 if worst else 0
        drawing.add(drawn, "text", _told(result), x=MARGIN + beside, y=self._y + 11, class_="quiet")

    def _scale(self, top: float) -> None:
        step = step_for(self._longest, MOST_TICKS)
        for number in range(int(self._longest / step + 1e-9) + 1):
            x = MARGIN + self._width(number * step)
            drawing.add(self._root, "path", class_="axis", d=drawing.tick(x, top, self._y - top))
            self._text(x, self._y + 16, f"{number * step:g} s", "quiet", "middle")
        repeats = sorted({each.repeats for each in self._results}) or [0]
        least = f"{repeats[0]} to " if len(repeats) > 1 else ""
        trials = f"{least}{some(repeats[-1], 'trial')}"
        self._text(MARGIN, self._y + 38, f"Bar: median; line: worst. {trials} each, all in one run.", "quiet")

    def _width(self, value: float) -> float:
        return value / self._longest * PLOT

    def _text(self, x: float, y: float, text: str, look: str = "", anchor: str = "start") -> None:
        drawing.add(self._root, "text", text, x=x, y=y, class_=look, text_anchor=anchor)


def _told(result: ScenarioResult) -> str:
    felt = result.outage_s
    if until_mended(result):
        return f"{seconds(felt.worst)}: until the fault was mended"
    if not felt.worst:
        return "no wait"
    if result.repeats == 1:
        return seconds(felt.worst)
    if not felt.median:
        return f"no wait in most trials, worst {seconds(felt.worst)}"
    return f"median {seconds(felt.median)}, worst {seconds(felt.worst)}"
