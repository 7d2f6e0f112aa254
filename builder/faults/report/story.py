"""The report's words: the verdict, the conditions, and each trial's events and logs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from builder.core.markup import clean
from builder.faults.model import Outage, Proof, ScenarioResult, Trial
from builder.faults.report import lanes
from builder.faults.report.lanes import outage_length

UNIT = 0.9995
"""Anything that would round to 1000 ms is shown in seconds."""
NOTHING = "\N{EN DASH}"
FIRST, LAST = 100, 50
"""How many lines of a long log are shown, from its start and its end."""
LONGEST_LINE = 400
ENVIRONMENT = {
    "netns": "HAProxy and keepalived ran with the cluster's configuration in network namespaces on one host.",
    "vm": "The cluster's image ran on virtual machines.",
}
MOST_OUTAGES = 12
"""How many outages of one probe are listed individually."""


def seconds(value: float | None) -> str:
    """Format a duration: `27 ms`, `3.06 s`, `none` for 0, a dash for None."""
    if value is None:
        return NOTHING
    if value <= 0:
        return "none"
    if value < UNIT:
        return f"{value * 1000:.0f} ms" if value >= 0.00995 else f"{value * 1000:.1f} ms"  # noqa: PLR2004 - two digits
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"  # noqa: PLR2004 - three digits


def timestamp(iso: str) -> str:
    """Format an ISO 8601 time as `2026-11-23 19:40:12 UTC`."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def grouped(value: int) -> str:
    """Format a number with its thousands separated."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 trial`, `3 trials`."""
    return f"{grouped(number)} {noun if number == 1 else noun + 's'}"


def enumerated(words: tuple[str, ...]) -> str:
    """Join words as `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


class Log(NamedTuple):
    """The log of one node."""

    name: str
    text: str


def logs(trial: Trial) -> list[Log]:
    """The logs of a trial that are not empty."""
    return [Log(name, _cut(clean(text))) for name, text in trial.logs.items() if text.strip()]


def _cut(text: str) -> str:
    lines = [_short(line) for line in text.strip("\n").split("\n")]
    over = len(lines) - FIRST - LAST
    if over > 0:
        lines[FIRST:-LAST] = [f"… {counted(over, 'line')} omitted; the complete log is in proof.json …"]
    return "\n".join(lines)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


@dataclass(frozen=True)
class Verdict:
    """The overall result in a word and in a sentence."""

    word: str
    sentence: str
    good: bool


def overall_verdict(proof: Proof) -> Verdict:
    """The verdict on a proof; a proof without any scenario proves nothing, so it has not passed."""
    run = len(proof.scenarios)
    failed = sum(not each.passed for each in proof.scenarios)
    if not run:
        return Verdict("Nothing was proved", "No scenario was run.", good=False)
    if proof.broken_off:
        return Verdict("Incomplete", "The run ended before all requested trials were complete.", good=False)
    if failed:
        return Verdict("Failed", f"{failed} of {counted(run, 'scenario')} failed.", good=False)
    sentence = "The scenario passed." if run == 1 else f"All {run} scenarios passed."
    return Verdict("Passed", sentence, good=True)


def conditions(proof: Proof) -> str:
    """How the results were measured, and what limits their precision."""
    rate = seconds(proof.rate_s)
    text = f"{ENVIRONMENT[proof.how]} Each probe sent a request every {rate}; shorter outages may go unnoticed."
    note = emulation_note(proof)
    return f"{text} {note.capitalize()}." if note else text


def emulation_note(proof: Proof) -> str:
    """What is added to the limits of emulated guests, as a clause; empty if the guests are not emulated."""
    if not proof.room_s:
        return ""
    return f"the guests were emulated, so {proof.room_s:g} s were added to the default limits"


def figures(proof: Proof) -> list[tuple[str, str]]:
    """The extent of the proof in numbers: name and value."""
    trials = [trial for each in proof.scenarios for trial in each.trials]
    return [
        ("scenarios run", grouped(len(proof.scenarios))),
        ("passed", grouped(sum(each.passed for each in proof.scenarios))),
        ("not covered", grouped(len(proof.not_covered))),
        ("trials", grouped(len(trials))),
        ("requests sent", grouped(sum(len(trial.samples) for trial in trials))),
    ]


class Event(NamedTuple):
    """Something that happened; `at` is in seconds from the fault."""

    at: float
    what: str


def trial_events(trial: Trial) -> list[Event]:
    """What happened, in order."""
    parts = [*_phases(trial), *_states(trial), *_holders(trial), *_outages(trial), *_stalls(trial), *_garps(trial)]
    return sorted(Event(round(event.at - trial.injected_at, 3), event.what) for event in parts)


def further_failures(result: ScenarioResult) -> tuple[str, ...]:
    """The trials' failures that are not part of the result's reason."""
    failures = [f"trial {trial.number}: {failure}" for trial in result.trials for failure in trial.failures]
    return tuple(failure for failure in failures if failure not in result.reason)


def _phases(trial: Trial) -> Iterable[Event]:
    yield Event(trial.injected_at, "The fault is injected.")
    if trial.recovered_at is not None:
        yield Event(trial.recovered_at, "The recovery starts.")
    yield Event(trial.ended_at, "The trial ends.")


def _states(trial: Trial) -> Iterable[Event]:
    for change in trial.states:
        off = f"keepalived is not running on {change.node}."
        yield Event(change.at, off if change.state == "off" else f"{change.node} is {change.state}.")


def _holders(trial: Trial) -> Iterable[Event]:
    for vip in watched_vips(trial):
        for span in lanes.holders(trial, vip):
            yield Event(span.start, f"{enumerated(span.nodes) or 'No node'} {_verb(span.nodes)} {vip}.")


def _verb(nodes: tuple[str, ...]) -> str:
    return "hold" if len(nodes) > 1 else "holds"


def watched_vips(trial: Trial) -> tuple[str, ...]:
    """The VIPs that were watched."""
    return tuple(dict.fromkeys(change.vip for change in trial.holders))


def _outages(trial: Trial) -> Iterable[Event]:
    for probe in lanes.probes(trial):
        of_one = [outage for outage in trial.outages if outage.probe == probe]
        for outage in of_one[:MOST_OUTAGES]:
            yield Event(outage.start, _outage(outage, trial))
        for outage in of_one[MOST_OUTAGES : MOST_OUTAGES + 1]:
            yield Event(
                outage.start, f"{probe} has {counted(len(of_one) - MOST_OUTAGES, 'more outage')} from here on."
            )


def _outage(outage: Outage, trial: Trial) -> str:
    until = "until the end of the trial" if outage.end is None else "until the next good answer"
    return f"{outage.probe} gets no good answer for {seconds(outage_length(outage, trial))}, {until}: {_cost(outage)}."


def _stalls(trial: Trial) -> Iterable[Event]:
    for stall in trial.stalls:
        yield Event(stall.start, f"The probes themselves stall for {seconds(stall.end - stall.start)}.")


def _garps(trial: Trial) -> Iterable[Event]:
    for at in trial.garps[:1]:
        yield Event(at, f"The first of {counted(len(trial.garps), 'gratuitous ARP')} reaches the client.")


def _cost(outage: Outage) -> str:
    reset = f", {outage.reset} of them reset" if outage.reset else ""
    return f"{counted(outage.lost, 'request')} lost{reset}"


def outage_note(outages: Sequence[Outage], trial: Trial) -> str:
    """A probe's outages in a few words, which fit beside its lane on a phone."""
    if not outages:
        return "no outage"
    longest = seconds(max(outage_length(outage, trial) for outage in outages))
    if len(outages) > 1:
        return f"{counted(len(outages), 'outage')}, longest {longest}"
    (outage,) = outages
    return f"no answer for {longest} · " + ("not over" if outage.end is None else f"{outage.lost} lost")
