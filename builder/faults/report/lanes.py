"""The contents of a timeline's lanes: VRRP states, holders and answers as spans of time, and the time axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, TypeVar

from builder.faults import analysis
from builder.faults.model import HolderChange, Outage, Sample, StateChange, Trial

Change = TypeVar("Change", StateChange, HolderChange)
AnswerKind = Literal["failed", "unknown", "ok"]
SEVEREST: tuple[AnswerKind, ...] = ("failed", "unknown", "ok")
MOST_TICKS = 160
"""Up to this many answers are drawn individually; more of them are merged."""
MOST_COLUMNS = 400
ANSWERS_A_COLUMN = 3
"""The minimum average, so that an empty column means that no request was sent."""
WIDTH = 1000.0
"""The plot's width in its own units. The plot is stretched to the page, so a position is a share of this."""
AXIS_MOST_TICKS = 5
"""How many numbers fit on the axis on a phone."""


def outage_end(outage: Outage, trial: Trial) -> float:
    """When an outage ended, or the end of the trial."""
    return trial.ended_at if outage.end is None else outage.end


def outage_length(outage: Outage, trial: Trial) -> float:
    """How long an outage lasted, in seconds."""
    return outage_end(outage, trial) - outage.start


class Span(NamedTuple):
    """A period in which a node was in a state, or in which nodes held a VIP."""

    start: float
    end: float
    state: str
    nodes: tuple[str, ...]


class AnswerRun(NamedTuple):
    """Consecutive answers of one kind from one node; a single answer has no length."""

    start: float
    end: float
    kind: AnswerKind
    node: str


def nodes(trial: Trial) -> tuple[str, ...]:
    """All nodes that appear in a trial, the first MASTER first."""
    by_state = [moment.node for moment in trial.states]
    by_vip = [node for moment in trial.holders for node in moment.nodes]
    by_answer = sorted({sample.node for sample in trial.samples if sample.node})
    return tuple(dict.fromkeys([*by_state, *by_vip, *by_answer]))


def probes(trial: Trial) -> tuple[str, ...]:
    """All probes, from the most to the least demanding; unknown ones first, by name."""
    order = ("http", "tls", "kept", "greeting", "tcp", "ping")
    names = {sample.probe for sample in trial.samples} | {outage.probe for outage in trial.outages}
    return tuple(sorted(names, key=lambda probe: (order.index(probe) if probe in order else -1, probe)))


def states(trial: Trial, node: str) -> list[Span]:
    """A node's VRRP states; empty if none are known."""
    changes = sorted((change for change in trial.states if change.node == node), key=_at)
    return [Span(change.at, end, change.state, (node,)) for change, end in _lasting(changes, trial)]


def holders(trial: Trial, vip: str) -> list[Span]:
    """The holders of a VIP; the state is `nobody`, `one` or `several`."""
    changes = sorted((change for change in trial.holders if change.vip == vip), key=_at)
    lasting = [(change, end) for change, end in _lasting(changes, trial) if end > 0]
    return [Span(max(change.at, 0), end, _held(len(change.nodes)), change.nodes) for change, end in lasting]


def _at(change: StateChange | HolderChange) -> float:
    return change.at


def _lasting(changes: Sequence[Change], trial: Trial) -> list[tuple[Change, float]]:
    """Each change with the time of the next one, and the last one with the end of the trial."""
    ends = [*(change.at for change in changes[1:]), trial.ended_at]
    return list(zip(changes, ends, strict=False))  # without changes there is an end, but no span


def _held(count: int) -> str:
    return ("nobody", "one")[count] if count < 2 else "several"  # noqa: PLR2004 - more than one is too many


def answer_marks(trial: Trial, probe: str, axis: Axis) -> list[AnswerRun]:
    """The answers of a probe in a window. If answers are merged, a failure outweighs everything else in its column."""
    visible = [sample for sample in trial.samples if sample.probe == probe and axis.start <= sample.at <= axis.end]
    runs = [AnswerRun(sample.at, sample.at, _kind(sample, trial), sample.node) for sample in sorted(visible)]
    if len(runs) <= MOST_TICKS:
        return runs
    columns = min(MOST_COLUMNS, len(runs) // ANSWERS_A_COLUMN)
    return list(_joined(_by_column(runs, axis, (axis.end - axis.start) / columns)))


def _kind(sample: Sample, trial: Trial) -> AnswerKind:
    if analysis.is_good(sample):
        return "ok"
    return "unknown" if analysis.is_inconclusive(sample, trial.stalls) else "failed"


def _by_column(runs: Sequence[AnswerRun], axis: Axis, width: float) -> Iterable[AnswerRun]:
    for column, group in groupby(runs, key=lambda run: int((run.start - axis.start) / width)):
        worst = min(group, key=lambda run: SEVEREST.index(run.kind))
        start = axis.start + column * width
        yield worst._replace(start=start, end=min(start + width, axis.end))


def _joined(columns: Iterable[AnswerRun]) -> Iterable[AnswerRun]:
    """Join adjacent columns with the same meaning."""
    before: AnswerRun | None = None
    for column in columns:
        if before and _same(before, column):
            before = before._replace(end=column.end)
            continue
        if before:
            yield before
        before = column
    if before:
        yield before


def _same(before: AnswerRun, after: AnswerRun) -> bool:
    touches = after.start - before.end < (after.end - after.start) / 2
    return touches and (before.kind, before.node) == (after.kind, after.node)


@dataclass(frozen=True)
class Axis:
    """The time axis of a part of a trial; all times are in seconds since the start of the trial."""

    start: float
    end: float
    zero: float
    """The time that the axis labels as 0."""

    def place(self, at: float) -> float:
        """The position of a time, from 0 to WIDTH; times outside are at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return WIDTH * min(1.0, max(0.0, share))

    def shows(self, start: float, end: float) -> bool:
        """Whether any part of a period is visible."""
        return end >= self.start and start <= self.end

    def ticks(self) -> list[tuple[float, str]]:
        """The positions of the ticks and their labels."""
        step = step_for(self.end - self.start, AXIS_MOST_TICKS)
        first = math.ceil((self.start - self.zero) / step - 1e-9)
        last = math.floor((self.end - self.zero) / step + 1e-9)
        return [
            (self.place(self.zero + number * step), axis_label(number * step)) for number in range(first, last + 1)
        ]


def step_for(length: float, most: int) -> float:
    """The smallest of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that divides a length into at most `most` parts."""
    power: float = 10 ** math.floor(math.log10(length / most))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor * most >= length)


def axis_label(value: float) -> str:
    """A number on the axis, with a typographic minus sign."""
    return f"{round(value, 6):g} s".replace("-", "\N{MINUS SIGN}")
