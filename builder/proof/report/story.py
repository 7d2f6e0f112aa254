"""A trial in sentences: for those who cannot see its figure, or would rather read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from builder.proof.model import Outage, ScenarioResult, Trial
from builder.proof.report import lanes
from builder.proof.report.ends import length
from builder.proof.report.words import listed, seconds, some

MOST_OUTAGES = 12
"""So many of one probe are told one by one."""


class Event(NamedTuple):
    """Something that happened; `at` in seconds from the fault."""

    at: float
    what: str


def events(trial: Trial) -> list[Event]:
    """What happened, in order."""
    found = [*_acts(trial), *_states(trial), *_holders(trial), *_outages(trial), *_stalls(trial), *_garps(trial)]
    return sorted(Event(round(event.at - trial.injected_at, 3), event.what) for event in found)


def faults(result: ScenarioResult) -> tuple[str, ...]:
    """What did not go as it must, where the result's reason does not say it already."""
    told = [f"trial {trial.number}: {fault}" for trial in result.trials for fault in trial.faults]
    return tuple(fault for fault in told if fault not in result.reason)


def _acts(trial: Trial) -> Iterable[Event]:
    yield Event(trial.injected_at, "The fault is made.")
    if trial.recovered_at is not None:
        yield Event(trial.recovered_at, "The recovery begins.")
    yield Event(trial.ended_at, "The trial ends.")


def _states(trial: Trial) -> Iterable[Event]:
    return (Event(moment.at, f"{moment.node} is {moment.state}.") for moment in trial.states)


def _holders(trial: Trial) -> Iterable[Event]:
    for vip in vips(trial):
        for span in lanes.holders(trial, vip):
            yield Event(span.start, f"{vip} is held by {listed(span.nodes) or 'nobody'}.")


def vips(trial: Trial) -> tuple[str, ...]:
    """The VIPs that were watched."""
    return tuple(dict.fromkeys(moment.vip for moment in trial.holders))


def _outages(trial: Trial) -> Iterable[Event]:
    for probe in lanes.probes(trial):
        of_one = [outage for outage in trial.outages if outage.probe == probe]
        for outage in of_one[:MOST_OUTAGES]:
            yield Event(outage.start, _outage(outage, trial))
        for outage in of_one[MOST_OUTAGES : MOST_OUTAGES + 1]:
            yield Event(outage.start, f"{probe} has {some(len(of_one) - MOST_OUTAGES, 'outage')} more, from here on.")


def _outage(outage: Outage, trial: Trial) -> str:
    until = "until the trial's end" if outage.end is None else "until the next answer"
    return f"{outage.probe} gets no answer for {seconds(length(outage, trial))}, {until}: {_cost(outage)}."


def _stalls(trial: Trial) -> Iterable[Event]:
    for stall in trial.stalls:
        yield Event(stall.start, f"The probe itself stands still for {seconds(stall.end - stall.start)}.")


def _garps(trial: Trial) -> Iterable[Event]:
    for at in trial.garps[:1]:
        yield Event(at, f"The first of {some(len(trial.garps), 'gratuitous ARP')} reaches the client.")


def _cost(outage: Outage) -> str:
    reset = f", {outage.reset} of them by a reset" if outage.reset else ""
    return f"{some(outage.lost, 'question')} lost{reset}"


def note(outages: Sequence[Outage], trial: Trial) -> str:
    """What a probe felt, beside its lane; short, as it must fit there on a phone."""
    if not outages:
        return "no outage"
    longest = seconds(max(length(outage, trial) for outage in outages))
    if len(outages) > 1:
        return f"{some(len(outages), 'outage')}, at most {longest}"
    (outage,) = outages
    return f"no answer for {longest} · " + ("still open" if outage.end is None else f"{outage.lost} lost")
