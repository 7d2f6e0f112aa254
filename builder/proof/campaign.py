"""All asked scenarios on one pair, one after the other, and what they come to together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from builder import __version__
from builder.errors import UserError
from builder.progress import say, step
from builder.proof import judge, limits, trial
from builder.proof.model import NotCovered, Proof, ScenarioResult, Trial
from builder.proof.pairs import Pair
from builder.proof.report.words import seconds
from builder.proof.scenarios import Scenario, known
from builder.proof.trial import Patience, Stage
from builder.proof.watch import Pace
from builder.spec.model import Cluster

NOT_REACHED = "the run was broken off before it"
_Ended = UserError | KeyboardInterrupt
"""What ends a run early, and leaves what it has found."""


@dataclass(frozen=True)
class Asked:
    """What a person may ask of a run."""

    only: tuple[str, ...] = ()
    """Names of scenarios; none for all."""
    repeat: int = 1
    random_seed: int = 0
    """Decides the order of the scenarios and how long each trial waits before its fault."""
    rate: float | None = None
    """Seconds between two questions of a probe; None for what the pair bears."""
    vip: str | None = None
    """The VIP that is watched; None for the first one."""


@dataclass(frozen=True)
class Conditions:
    """What a kind of pair bears and needs."""

    pace: Pace
    patience: Patience
    emulated: bool


def check(cluster: Cluster, asked: Asked) -> None:
    """Raise UserError for a scenario, a limit or a VIP that there is not, before anything is started."""
    limits.check(cluster)
    vips = [str(vip) for vip in cluster.vrrp.vips]
    if asked.vip and asked.vip not in vips:
        raise UserError(f"{asked.vip} is no VIP of {cluster.cluster}", hint=f"its VIPs are {', '.join(vips)}")
    strange = [name for name in asked.only if name not in known()]
    if strange:
        raise UserError(f"there is no scenario {', '.join(strange)}", hint=f"scenarios are {', '.join(known())}")


def run(pair: Pair, asked: Asked, conditions: Conditions, digests: dict[str, str]) -> Proof:
    """Run the asked scenarios that can be run on the pair; raises UserError where none of them can be."""
    began, started = time.monotonic(), datetime.now(UTC)
    chosen = [known()[name] for name in asked.only] or list(known().values())
    reasons = {scenario.name: scenario.why_not(pair) for scenario in chosen}
    possible = [scenario for scenario in chosen if not reasons[scenario.name]]
    if not possible:
        why_not = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise UserError(f"there is nothing to run here: {why_not}")
    versions = {"vipforge": __version__, **pair.versions()}  # now, for a run that is broken off leaves no node to ask
    found = _results(pair, possible, asked, conditions)
    reasons |= {each.name: NOT_REACHED for each in possible if found.broken_off}
    reasons |= {each.name: "" for each in found.results}
    return Proof(
        cluster=pair.cluster.cluster,
        profile=pair.cluster.vrrp.profile,
        how=pair.how,
        scenarios=found.results,
        not_covered=tuple(NotCovered(name, reason) for name, reason in reasons.items() if reason),
        versions=versions,
        digests=digests,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 3),
        rate_s=asked.rate or conditions.pace.rate,
        room_s=limits.EMULATED if conditions.emulated else 0,
        broken_off=found.broken_off,
        interrupted=found.interrupted,
    )


@dataclass(frozen=True)
class _Found:
    """What a run has come to, in the order in which it was asked for, and why it ended early, if it did."""

    results: tuple[ScenarioResult, ...]
    broken_off: str
    interrupted: bool


def _results(pair: Pair, possible: Sequence[Scenario], asked: Asked, conditions: Conditions) -> _Found:
    """Each scenario's result; they are run in an order that the random seed decides.

    A pair that is not well any more breaks the run off, and so does Ctrl-C, and every trial that was done is kept;
    before the first one both are errors.
    """
    random = Random(asked.random_seed)  # noqa: S311 - no secret
    pace = replace(conditions.pace, rate=asked.rate or conditions.pace.rate)
    stage = Stage(pair, pace, conditions.patience, random)
    order = random.sample(range(len(possible)), len(possible)) if asked.random_seed else range(len(possible))
    found: dict[int, ScenarioResult] = {}
    why = ""
    ended: _Ended | None = None
    for number in order:
        result, ended = _tried(stage, possible[number], asked.repeat, conditions)
        if result:
            found[number] = result
        if ended:
            why = _why(possible[number], result, asked.repeat, ended)
            break
    if ended and not found:
        raise ended
    return _Found(tuple(found[number] for number in sorted(found)), why, isinstance(ended, KeyboardInterrupt))


def _tried(
    stage: Stage, scenario: Scenario, repeat: int, conditions: Conditions
) -> tuple[ScenarioResult | None, _Ended | None]:
    """A scenario's result over the trials that could be run, if there was one, and what ended them early."""
    trials: list[Trial] = []
    try:
        with step(f"{scenario.name}: {scenario.title}"):
            for number in range(1, repeat + 1):
                trials += [trial.run(stage, scenario, number)]
            return _judged(stage, scenario, trials, conditions), None
    except (UserError, KeyboardInterrupt) as failure:
        return _judged(stage, scenario, trials, conditions) if trials else None, failure


def _judged(stage: Stage, scenario: Scenario, trials: Sequence[Trial], conditions: Conditions) -> ScenarioResult:
    found = judge.judge(stage.pair.cluster, scenario, trials, emulated=conditions.emulated)
    say(f"outage {seconds(found.outage_s.worst)}, {'ok' if found.passed else f'FAILED: {found.reason}'}")
    return found


def _why(scenario: Scenario, result: ScenarioResult | None, repeat: int, ended: _Ended) -> str:
    word = ended.message if isinstance(ended, UserError) else "interrupted"
    done = f", after {result.repeats} of {repeat} trials" if result else ""
    return f"in {scenario.name}{done}: {word}"
