"""The figure of a trial: one lane per node, VIP and probe, over a common time axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from builder.faults import analysis
from builder.faults.model import Outage, ScenarioResult, Trial
from builder.faults.report import drawing, lanes, story
from builder.faults.report.drawing import BAND, NODES, Canvas
from builder.faults.report.lanes import AnswerRun, Axis, Span, outage_end

LEAST = 2.0
"""The minimum width of an outage in units of the plot: two thousandths of its width."""
LOW = {"ok": 8, "unknown": 11, "failed": 0}
"""The distance between the upper edge of the lane and an answer's mark; failures are the tallest."""
CLOSE = 0.3
"""A part that covers more than this share of the trial needs no figure of its own."""
NEAR = 6
"""An outage that ends later after its cause than this multiple of its length is shown without the cause."""
SHORTEST = 0.02
"""In seconds; around a shorter outage, more of the trial is shown."""


def figure(trial: Trial, window: Window, ident: str) -> str:
    """The figure as inline SVG; `ident` is unique on the page."""
    canvas = Canvas(window.axis, [at for at in (trial.injected_at, trial.recovered_at) if at is not None])
    looks = {node: f"node-{number % NODES}" for number, node in enumerate(lanes.nodes(trial))}
    for node, look in looks.items():
        canvas.lane(node)
        _states(canvas, lanes.states(trial, node), look)
    for vip in story.watched_vips(trial):
        canvas.lane(f"holder of {vip}")
        _holders(canvas, lanes.holders(trial, vip), looks)
    if trial.garps:
        canvas.lane("gratuitous ARP")
        _garps(canvas, trial)
    for probe in lanes.probes(trial):
        _probe(canvas, trial, probe, looks)
    _marks(canvas, trial)
    canvas.scale()
    return canvas.svg(ident, f"{window.title}, trial {trial.number} of {trial.scenario}", _description(trial, window))


def _description(trial: Trial, window: Window) -> str:
    first, last = (round(at - trial.injected_at, 3) for at in (window.axis.start, window.axis.end))
    events = [event for event in story.trial_events(trial) if first <= event.at <= last]
    return " ".join(
        [f"From {first:g} to {last:g} seconds after the fault.", *(f"{at:g}: {what}" for at, what in events)]
    )


def _states(canvas: Canvas, spans: Sequence[Span], look: str) -> None:
    for span in spans:
        mine = f" {look}" if span.state in {"MASTER", "BACKUP"} else ""
        canvas.bar(span.start, span.end, f"state {span.state.lower()}{mine}")
        canvas.caption(span.start, span.end, span.state, f"{span.state.lower()}{mine}")


def _holders(canvas: Canvas, spans: Sequence[Span], looks: dict[str, str]) -> None:
    for span in spans:
        share = BAND / max(len(span.nodes), 1)
        for number, node in enumerate(span.nodes):
            canvas.bar(span.start, span.end, f"held {looks[node]}", top=number * share, height=share)
        if not span.nodes:
            canvas.bar(span.start, span.end, "nobody")
            canvas.caption(span.start, span.end, "none", "nobody")
        elif len(span.nodes) == 1:  # text across two colours is not readable
            canvas.caption(span.start, span.end, span.nodes[0], f"held {looks[span.nodes[0]]}")


def _garps(canvas: Canvas, trial: Trial) -> None:
    places = [round(canvas.axis.place(at)) for at in trial.garps if canvas.axis.shows(at, at)]
    canvas.path("garp", "".join(drawing.tick(place, canvas.top + 3, BAND - 6) for place in dict.fromkeys(places)))


def _probe(canvas: Canvas, trial: Trial, probe: str, looks: dict[str, str]) -> None:
    """Draw a probe's lane: shaded outages, hatched stalls, and the answers on top of both."""
    outages = [outage for outage in trial.outages if outage.probe == probe and _is_shown(canvas, outage, trial)]
    canvas.lane(probe, story.outage_note(outages, trial), "alarm" if outages else "quiet")
    _shade(canvas, outages, trial)
    for stall in trial.stalls:
        if stall.probe in (probe, "all"):
            canvas.bar(stall.start, stall.end, "stall")
    _answers(canvas, lanes.answer_marks(trial, probe, canvas.axis), looks)


def _is_shown(canvas: Canvas, outage: Outage, trial: Trial) -> bool:
    return canvas.axis.shows(outage.start, outage_end(outage, trial))


def _shade(canvas: Canvas, outages: Sequence[Outage], trial: Trial) -> None:
    """Draw one path for all outages; outages too close to distinguish are joined."""
    shades: list[tuple[float, float]] = []
    for outage in outages:
        left = canvas.axis.place(outage.start)
        right = max(canvas.axis.place(outage_end(outage, trial)), left + LEAST)
        if shades and left < shades[-1][1]:
            left, right = shades[-1][0], max(shades.pop()[1], right)
        shades.append((left, right))
    canvas.path("outage", "".join(drawing.box(left, canvas.top, right - left, BAND) for left, right in shades))


def _answers(canvas: Canvas, runs: Sequence[AnswerRun], looks: dict[str, str]) -> None:
    """Draw one path per look, with failures last and therefore on top."""
    shapes: defaultdict[str, str] = defaultdict(str)
    for run in sorted(runs, key=lambda run: (run.kind == "failed", run.start)):
        look = f"{run.kind} {looks.get(run.node, 'nameless')}" if run.kind == "ok" else run.kind
        shapes[look] += _shape(canvas, run)
    for look, shape in shapes.items():
        canvas.path(f"answer {look}", shape)


def _shape(canvas: Canvas, run: AnswerRun) -> str:
    left, right = canvas.axis.place(run.start), canvas.axis.place(run.end)
    top, height = canvas.top + LOW[run.kind], BAND - LOW[run.kind]
    return drawing.box(left, top, right - left, height) if right > left else drawing.tick(left, top, height)


def _marks(canvas: Canvas, trial: Trial) -> None:
    canvas.mark(trial.injected_at, 0, "fault", "moment")
    if trial.recovered_at is not None:
        canvas.mark(trial.recovered_at, 1, "recovery", "moment late")


@dataclass(frozen=True)
class Window:
    """The part of a trial that one figure shows, and its title."""

    title: str
    axis: Axis


def worst_trial(result: ScenarioResult) -> Trial | None:
    """A trial with failures if there is one, otherwise the one in which clients waited longest."""
    return max(result.trials, key=lambda trial: (bool(trial.failures), *_waits(trial)), default=None)


def _waits(trial: Trial) -> tuple[float, float]:
    return analysis.worst_service(analysis.fault_outage, trial), analysis.worst_service(
        analysis.recovery_outage, trial
    )


def windows(trial: Trial) -> list[Window]:
    """The whole trial, then close-ups of the fault and of the recovery if these caused short outages."""
    zero = trial.injected_at
    whole = Window("The whole trial", Axis(0, trial.ended_at, zero))
    recovery = trial.ended_at if trial.recovered_at is None else trial.recovered_at
    parts = [
        _close_up("Close-up: the fault", trial, trial.injected_at, recovery),
        _close_up("Close-up: the recovery", trial, recovery, trial.ended_at),
    ]
    return [whole, *(part for part in parts if part)]


def _close_up(title: str, trial: Trial, mark: float, over: float) -> Window | None:
    """Show the longest outage between two times, including its cause at `mark` if that is near."""
    spans = [(max(each.start, mark), min(outage_end(each, trial), over)) for each in trial.outages]
    start, until = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
    if until <= start:
        return None
    near = until - mark <= NEAR * max(until - start, SHORTEST)
    first = mark if near else start
    span = max(until - first, SHORTEST)
    axis = Axis(max(0, first - span / 2), min(trial.ended_at, first + span * 1.8), trial.injected_at)
    return Window(title, axis) if axis.end - axis.start < CLOSE * trial.ended_at else None
