"""What comes of a proof, in a sentence or two."""

from __future__ import annotations

from dataclasses import dataclass

from builder.proof.model import Proof
from builder.proof.report.words import count, seconds, some

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
