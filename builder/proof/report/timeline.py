"""The figure of a trial: a lane for each node, each VIP and each probe, over one time axis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from builder.proof.model import Outage, Trial
from builder.proof.report import lanes, story, svg
from builder.proof.report.canvas import BAND, Canvas
from builder.proof.report.ends import end
from builder.proof.report.lanes import Run, Span
from builder.proof.report.palette import NODES
from builder.proof.report.windows import Window

LEAST = 2.0
"""Units of the plot that an outage takes up at least: two thousandths of its width."""
LOW = {"ok": 8, "unknown": 11, "failed": 0}
"""How far below its lane's upper edge an answer begins: a failure is the tallest."""


def figure(trial: Trial, window: Window, ident: str) -> str:
    """The figure as inline SVG; `ident` is unique on the page."""
    canvas = Canvas(window.axis, [at for at in (trial.injected_at, trial.recovered_at) if at is not None])
    looks = {node: f"node-{number % NODES}" for number, node in enumerate(lanes.nodes(trial))}
    for node, look in looks.items():
        canvas.lane(node)
        _states(canvas, lanes.states(trial, node), look)
    for vip in story.vips(trial):
        canvas.lane(f"who holds {vip}")
        _holders(canvas, lanes.holders(trial, vip), looks)
    if trial.garps:
        canvas.lane("gratuitous ARP")
        _garps(canvas, trial)
    for probe in lanes.probes(trial):
        _probe(canvas, trial, probe, looks)
    _marks(canvas, trial)
    canvas.scale()
    return canvas.whole(ident, f"{window.title}, trial {trial.number} of {trial.scenario}", _told(trial, window))


def _told(trial: Trial, window: Window) -> str:
    first, last = (round(at - trial.injected_at, 3) for at in (window.axis.start, window.axis.end))
    events = [event for event in story.events(trial) if first <= event.at <= last]
    return " ".join([f"Seconds from the fault, {first:g} to {last:g}.", *(f"{at:g}: {what}" for at, what in events)])


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
            canvas.caption(span.start, span.end, "nobody", "nobody")
        elif len(span.nodes) == 1:  # no word is readable upon two colours
            canvas.caption(span.start, span.end, span.nodes[0], f"held {looks[span.nodes[0]]}")


def _garps(canvas: Canvas, trial: Trial) -> None:
    seen = [round(canvas.axis.place(at)) for at in trial.garps if canvas.axis.shows(at, at)]
    canvas.path("garp", "".join(svg.tick(place, canvas.top + 3, BAND - 6) for place in dict.fromkeys(seen)))


def _probe(canvas: Canvas, trial: Trial, probe: str, looks: dict[str, str]) -> None:
    """A probe's lane: its outages shaded, its own stalls hatched, and its answers above both."""
    outages = [outage for outage in trial.outages if outage.probe == probe and _is_shown(canvas, outage, trial)]
    canvas.lane(probe, story.note(outages, trial), "alarm" if outages else "quiet")
    _shade(canvas, outages, trial)
    for stall in trial.stalls:
        if stall.probe in (probe, "all"):
            canvas.bar(stall.start, stall.end, "stall")
    _answers(canvas, lanes.answers(trial, probe, canvas.axis), looks)


def _is_shown(canvas: Canvas, outage: Outage, trial: Trial) -> bool:
    return canvas.axis.shows(outage.start, end(outage, trial))


def _shade(canvas: Canvas, outages: Sequence[Outage], trial: Trial) -> None:
    """One path for all outages; those that cannot be told apart by the eye are one."""
    shades: list[tuple[float, float]] = []
    for outage in outages:
        left = canvas.axis.place(outage.start)
        right = max(canvas.axis.place(end(outage, trial)), left + LEAST)
        if shades and left < shades[-1][1]:
            left, right = shades[-1][0], max(shades.pop()[1], right)
        shades.append((left, right))
    canvas.path("outage", "".join(svg.box(left, canvas.top, right - left, BAND) for left, right in shades))


def _answers(canvas: Canvas, runs: Sequence[Run], looks: dict[str, str]) -> None:
    """One path a look, failures last and so on top."""
    shapes: defaultdict[str, str] = defaultdict(str)
    for run in sorted(runs, key=lambda run: (run.kind == "failed", run.start)):
        look = f"{run.kind} {looks.get(run.node, 'nameless')}" if run.kind == "ok" else run.kind
        shapes[look] += _shape(canvas, run)
    for look, shape in shapes.items():
        canvas.path(f"answer {look}", shape)


def _shape(canvas: Canvas, run: Run) -> str:
    left, right = canvas.axis.place(run.start), canvas.axis.place(run.end)
    top, height = canvas.top + LOW[run.kind], BAND - LOW[run.kind]
    return svg.box(left, top, right - left, height) if right > left else svg.tick(left, top, height)


def _marks(canvas: Canvas, trial: Trial) -> None:
    canvas.mark(trial.injected_at, 0, "fault", "moment")
    if trial.recovered_at is not None:
        canvas.mark(trial.recovered_at, 1, "recovery", "moment late")
