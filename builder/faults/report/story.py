"""What happened in a trial, in words: events, log lines, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from builder.faults.model import Outage, Proof, ScenarioResult, Trial
from builder.faults.report import lanes
from builder.faults.report.drawing import clean
from builder.faults.report.lanes import length

UNIT = 0.9995
"""What would be rounded up to 1000 ms is said in seconds."""
NOTHING = "\N{EN DASH}"


def seconds(value: float | None) -> str:
    """A time: `27 ms`, `3.06 s`, `none` for 0, a dash where there is none to tell."""
    if value is None:
        return NOTHING
    if value <= 0:
        return "none"
    if value < UNIT:
        return f"{value * 1000:.0f} ms" if value >= 0.00995 else f"{value * 1000:.1f} ms"  # noqa: PLR2004 - two digits
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"  # noqa: PLR2004 - three digits


def moment(iso: str) -> str:
    """`2026-11-23 19:40:12 UTC` of an ISO 8601 time."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def count(value: int) -> str:
    """A number with its thousands apart."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def some(number: int, one: str, many: str = "") -> str:
    """`1 trial`, `3 trials`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def listed(words: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


FIRST, LAST = 100, 50
"""Lines that are kept of a long log: of the fault, and of the end."""
LONGEST_LINE = 400


class Log(NamedTuple):
    """What one node said."""

    name: str
    text: str


def logs(trial: Trial) -> list[Log]:
    """The logs of a trial that say anything."""
    return [Log(name, _cut(clean(text))) for name, text in trial.logs.items() if text.strip()]


def _cut(text: str) -> str:
    lines = [_short(line) for line in text.strip("\n").split("\n")]
    over = len(lines) - FIRST - LAST
    if over > 0:
        lines[FIRST:-LAST] = [f"… {some(over, 'line')} left out; proof.json has them …"]
    return "\n".join(lines)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


HOW = {
    "netns": "The real HAProxy and keepalived with the cluster's configuration, in network namespaces of one host.",
    "vm": "The cluster's own image, on virtual machines.",
}


@dataclass(frozen=True)
class Verdict:
    """The word, its sentence, and whether it is good."""

    word: str
    sentence: str
    good: bool


def verdict(proof: Proof) -> Verdict:
    """A proof without any scenario proves nothing, so it is not good."""
    run = len(proof.scenarios)
    failed = sum(not each.passed for each in proof.scenarios)
    if not run:
        return Verdict("Nothing was proved", "No scenario was run.", good=False)
    if proof.broken_off:
        return Verdict("Broken off", "Not every trial that was asked for was run.", good=False)
    if failed:
        return Verdict("Failed", f"{failed} of {some(run, 'scenario')} did not pass.", good=False)
    sentence = "The one scenario that was run passed." if run == 1 else f"All {run} scenarios that were run passed."
    return Verdict("Passed", sentence, good=True)


def conditions(proof: Proof) -> str:
    """How the numbers came to be, as far as that bounds what they say."""
    told = f"{HOW[proof.how]} Each probe asked every {seconds(proof.rate_s)}: a shorter outage can pass between them."
    return f"{told} {room(proof).capitalize()}." if room(proof) else told


def room(proof: Proof) -> str:
    """What emulated guests are given on top, as a sentence without its capital and full stop; empty for others."""
    if not proof.room_s:
        return ""
    return f"the guests' processor was emulated, so the default limits have {proof.room_s:g} s on top"


def figures(proof: Proof) -> list[tuple[str, str]]:
    """The numbers that say how much was done: name and value."""
    trials = [trial for each in proof.scenarios for trial in each.trials]
    return [
        ("scenarios run", count(len(proof.scenarios))),
        ("passed", count(sum(each.passed for each in proof.scenarios))),
        ("not covered", count(len(proof.not_covered))),
        ("trials", count(len(trials))),
        ("questions asked", count(sum(len(trial.samples) for trial in trials))),
    ]


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


def failures(result: ScenarioResult) -> tuple[str, ...]:
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
