"""The verdict on a scenario: its trials against its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from builder.proof import analysis, limits
from builder.proof.bounds import bound
from builder.proof.model import ScenarioResult, Spread, Trial
from builder.proof.scenarios import Scenario
from builder.spec.model import Cluster

Measure = Callable[[Trial, str], float]


def judge(cluster: Cluster, scenario: Scenario, trials: Sequence[Trial], *, emulated: bool) -> ScenarioResult:
    """What the trials of a scenario come to."""
    fault = _spread(analysis.of_fault, trials)
    recovery = _spread(analysis.of_recovery, trials)
    fault_limit = limits.fault_limit(cluster, scenario.name, emulated=emulated)
    recovery_limit = limits.recovery_limit(cluster, scenario.name, emulated=emulated)
    reasons = [
        *_excess("outage", fault, fault_limit),
        *_excess("outage after the recovery", recovery, recovery_limit),
        *(f"trial {trial.number}: {said}" for trial in trials for said in trial.faults),
    ]
    return ScenarioResult(
        name=scenario.name,
        title=scenario.title,
        profile=cluster.vrrp.profile,
        trials=tuple(trials),
        outage_s=fault,
        limit_s=fault_limit,
        bound_s=bound(cluster, scenario.notice),
        recovery_s=recovery,
        recovery_limit_s=recovery_limit,
        by_probe={probe: _of_probe(probe, trials) for probe in _probes(trials)},
        passed=not reasons,
        reason="; ".join(reasons),
    )


def _spread(measure: Measure, trials: Sequence[Trial]) -> Spread:
    return analysis.spread([analysis.service(measure, trial) for trial in trials])


def _of_probe(probe: str, trials: Sequence[Trial]) -> Spread:
    return analysis.spread([analysis.of_fault(trial, probe) for trial in trials])


def _probes(trials: Sequence[Trial]) -> list[str]:
    return sorted({sample.probe for trial in trials for sample in trial.samples})


def _excess(what: str, found: Spread, limit: float | None) -> Iterator[str]:
    if limit is not None and found.worst > limit:
        yield f"{what} of {found.worst:.3f} s, the limit is {limit:g} s"
