"""The lanes of a timeline: holders, answers, states."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, TypeVar

from builder.faults import analysis
from builder.faults.model import HolderMoment, NodeMoment, Outage, Sample, Trial


def end(outage: Outage, trial: Trial) -> float:
    """The outage's end, or the trial's."""
    return trial.ended_at if outage.end is None else outage.end


def length(outage: Outage, trial: Trial) -> float:
    """How long it was, in seconds."""
    return end(outage, trial) - outage.start


Moment = TypeVar("Moment", NodeMoment, HolderMoment)

Kind = Literal["failed", "unknown", "ok"]
SEVEREST: tuple[Kind, ...] = ("failed", "unknown", "ok")

MOST_TICKS = 160
"""So many answers are drawn one by one; more of them are merged."""
MOST_COLUMNS = 400
ANSWERS_A_COLUMN = 3
"""So many at least on average, so that an empty column means that nothing was asked."""


class Span(NamedTuple):
    """From one moment to another something holds: a node's state, or the nodes that hold a VIP."""

    start: float
    end: float
    state: str
    nodes: tuple[str, ...]


class Run(NamedTuple):
    """Answers of one kind and of one node, beside one another; a single one has no length."""

    start: float
    end: float
    kind: Kind
    node: str


def nodes(trial: Trial) -> tuple[str, ...]:
    """All nodes that were seen, the first MASTER first."""
    by_state = [moment.node for moment in trial.states]
    by_vip = [node for moment in trial.holders for node in moment.nodes]
    by_answer = sorted({sample.node for sample in trial.samples if sample.node})
    return tuple(dict.fromkeys([*by_state, *by_vip, *by_answer]))


def probes(trial: Trial) -> tuple[str, ...]:
    """All probes, from those that ask the most of a node to those that ask the least; then by name."""
    order = ("http", "tls", "kept", "greeting", "tcp", "ping")
    seen = {sample.probe for sample in trial.samples} | {outage.probe for outage in trial.outages}
    return tuple(sorted(seen, key=lambda probe: (order.index(probe) if probe in order else -1, probe)))


def states(trial: Trial, node: str) -> list[Span]:
    """A node's VRRP states; none of a node that told none."""
    moments = sorted((moment for moment in trial.states if moment.node == node), key=_at)
    return [Span(moment.at, end, moment.state, (node,)) for moment, end in _lasting(moments, trial)]


def holders(trial: Trial, vip: str) -> list[Span]:
    """Who had a VIP; the state says it in a word."""
    moments = sorted((moment for moment in trial.holders if moment.vip == vip), key=_at)
    lasting = [(moment, end) for moment, end in _lasting(moments, trial) if end > 0]
    return [Span(max(moment.at, 0), end, _held(len(moment.nodes)), moment.nodes) for moment, end in lasting]


def _at(moment: NodeMoment | HolderMoment) -> float:
    return moment.at


def _lasting(moments: Sequence[Moment], trial: Trial) -> list[tuple[Moment, float]]:
    """Each moment with the next one's time, the last one with the trial's end."""
    ends = [*(moment.at for moment in moments[1:]), trial.ended_at]
    return list(zip(moments, ends, strict=False))  # without any moment there is an end, and no span


def _held(count: int) -> str:
    return ("nobody", "one")[count] if count < 2 else "several"  # noqa: PLR2004 - more than one is too many


def answer_marks(trial: Trial, probe: str, axis: Axis) -> list[Run]:
    """The answers of a probe in a window. Where they are merged, a failure outweighs all else in its column."""
    found = [sample for sample in trial.samples if sample.probe == probe and axis.start <= sample.at <= axis.end]
    runs = [Run(sample.at, sample.at, _kind(sample, trial), sample.node) for sample in sorted(found)]
    if len(runs) <= MOST_TICKS:
        return runs
    columns = min(MOST_COLUMNS, len(runs) // ANSWERS_A_COLUMN)
    return list(_joined(_by_column(runs, axis, (axis.end - axis.start) / columns)))


def _kind(sample: Sample, trial: Trial) -> Kind:
    if analysis.is_good(sample):
        return "ok"
    return "unknown" if analysis.blind(sample, trial.stalls) else "failed"


def _by_column(runs: Sequence[Run], axis: Axis, width: float) -> Iterable[Run]:
    for column, group in groupby(runs, key=lambda run: int((run.start - axis.start) / width)):
        worst = min(group, key=lambda run: SEVEREST.index(run.kind))
        start = axis.start + column * width
        yield worst._replace(start=start, end=min(start + width, axis.end))


def _joined(columns: Iterable[Run]) -> Iterable[Run]:
    """Columns that touch and mean the same, as one."""
    before: Run | None = None
    for column in columns:
        if before and _same(before, column):
            before = before._replace(end=column.end)
            continue
        if before:
            yield before
        before = column
    if before:
        yield before


def _same(before: Run, after: Run) -> bool:
    touches = after.start - before.end < (after.end - after.start) / 2
    return touches and (before.kind, before.node) == (after.kind, after.node)


WIDTH = 1000.0
"""The plot's own unit: it is stretched to the page, so a place is a share of this."""
AXIS_MOST_TICKS = 5
"""So many numbers fit beside one another on a phone."""


@dataclass(frozen=True)
class Axis:
    """A window of a trial; all times in seconds from the trial's start."""

    start: float
    end: float
    zero: float
    """The moment that the axis calls 0."""

    def place(self, at: float) -> float:
        """Where a moment is, 0 to WIDTH; what lies outside is at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return WIDTH * min(1.0, max(0.0, share))

    def shows(self, start: float, end: float) -> bool:
        """Whether any of a time is in the window."""
        return end >= self.start and start <= self.end

    def ticks(self) -> list[tuple[float, str]]:
        """Places and their numbers."""
        step = step_for(self.end - self.start, AXIS_MOST_TICKS)
        first = math.ceil((self.start - self.zero) / step - 1e-9)
        last = math.floor((self.end - self.zero) / step + 1e-9)
        return [(self.place(self.zero + number * step), label(number * step)) for number in range(first, last + 1)]


def step_for(length: float, most: int) -> float:
    """The least of 1, 2, 5, 10, … (or parts of 1) that divides a length into `most` parts at most."""
    power: float = 10 ** math.floor(math.log10(length / most))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor * most >= length)


def label(value: float) -> str:
    """A number of the axis, with a real minus."""
    return f"{round(value, 6):g} s".replace("-", "\N{MINUS SIGN}")
