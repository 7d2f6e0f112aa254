"""A campaign: scenarios run in turn, each several times, and judged, by `vipforge rehearse` or `proof`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from builder import __version__
from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import sha256
from builder.core.progress import say, step, warn
from builder.faults import limits, trial
from builder.faults.model import NotCovered, Proof, ScenarioResult, Trial
from builder.faults.pairs import Pair
from builder.faults.pairs.netns import served
from builder.faults.pairs.vm import VmPair
from builder.faults.report.story import seconds
from builder.faults.scenarios import Scenario, all_scenarios
from builder.faults.trial import Patience, Stage
from builder.faults.watch import Pace
from builder.guests import embedded
from builder.host.qemu import Accelerator, accelerator
from builder.image import manifest
from builder.lab import netns, state
from builder.render import appliance
from builder.rootfs import compiled
from builder.rootfs.compiled import DebianBuildRoot
from builder.sources.fetch import NotFetched
from builder.spec.features import check_version
from builder.spec.load import load
from builder.spec.model import Cluster

NOT_REACHED = "the run was broken off before it"
_Ended = UserError | KeyboardInterrupt
"""What ends a run early, and leaves what it has found."""


@dataclass(frozen=True)
class CampaignOptions:
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


def check(cluster: Cluster, asked: CampaignOptions) -> None:
    """Raise UserError for a scenario, a limit or a VIP that there is not, before anything is started."""
    limits.check_limits(cluster)
    vips = [str(vip) for vip in cluster.vrrp.vips]
    if asked.vip and asked.vip not in vips:
        raise UserError(f"{asked.vip} is no VIP of {cluster.cluster}", hint=f"its VIPs are {', '.join(vips)}")
    strange = [name for name in asked.only if name not in all_scenarios()]
    if strange:
        raise UserError(
            f"there is no scenario {', '.join(strange)}", hint=f"scenarios are {', '.join(all_scenarios())}"
        )


def run_campaign(pair: Pair, asked: CampaignOptions, conditions: Conditions, digests: dict[str, str]) -> Proof:
    """Run the asked scenarios that can be run on the pair; raises UserError where none of them can be."""
    began, started = time.monotonic(), datetime.now(UTC)
    chosen = [all_scenarios()[name] for name in asked.only] or list(all_scenarios().values())
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


def _results(pair: Pair, possible: Sequence[Scenario], asked: CampaignOptions, conditions: Conditions) -> _Found:
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
                trials += [trial.run_trial(stage, scenario, number)]
            return _judged(stage, scenario, trials, conditions), None
    except (UserError, KeyboardInterrupt) as failure:
        return _judged(stage, scenario, trials, conditions) if trials else None, failure


def _judged(stage: Stage, scenario: Scenario, trials: Sequence[Trial], conditions: Conditions) -> ScenarioResult:
    found = limits.judge(stage.pair.cluster, scenario, trials, emulated=conditions.emulated)
    say(f"outage {seconds(found.outage_s.worst)}, {'ok' if found.passed else f'FAILED: {found.reason}'}")
    return found


def _why(scenario: Scenario, result: ScenarioResult | None, repeat: int, ended: _Ended) -> str:
    word = ended.message if isinstance(ended, UserError) else "interrupted"
    done = f", after {result.repeats} of {repeat} trials" if result else ""
    return f"in {scenario.name}{done}: {word}"


CONDITIONS: dict[Accelerator, Conditions] = {
    "kvm": Conditions(Pace(rate=0.005), Patience(settle=120, effect=30, recover=180), emulated=False),
    "tcg": Conditions(
        Pace(rate=0.2, timeout=2, holder_rate=0.1, holder_patience=0.5, answers=3),
        Patience(settle=300, effect=60, recover=600),
        emulated=True,
    ),
}
"""An emulated guest that is asked more often than this does nothing but answer, and it boots in minutes. At this rate
ten answers would take longer than systemd needs to bring back what was killed."""


def prove(spec: Path, asked: CampaignOptions) -> Proof:
    """Run the scenarios; raises UserError where no lab of the cluster runs."""
    cluster = load(spec)
    check(cluster, asked)
    how = accelerator()
    return run_campaign(
        VmPair(state.running_lab(cluster), how, asked.vip), asked, CONDITIONS[how], _digests(spec, cluster)
    )


def _digests(spec: Path, cluster: Cluster) -> dict[str, str]:
    """What was tested: the spec, and the image that the nodes were started from."""
    folder = paths.build_folder(cluster.cluster)
    baked = {manifest.IMAGE: sha256(folder / manifest.IMAGE)} if manifest.read(folder) else {}
    return {spec.name: sha256(spec), **baked}


GUEST = embedded()
"""The guest whose programs this host can run without a machine."""
WORKSHOP = DebianBuildRoot(GUEST.suite)
REHEARSAL_CONDITIONS = Conditions(
    pace=Pace(rate=0.005), patience=Patience(settle=30, effect=20, recover=30), emulated=False
)


def rehearse(spec: Path, asked: CampaignOptions) -> Proof:
    """Run the scenarios; raises HostLacks where this host cannot have the pair."""
    cluster = load(spec)
    check(cluster, asked)
    netns.check_host()  # before minutes are spent on compiling keepalived
    version, build = keepalived_of(cluster)
    with netns.pair(cluster, GUEST, version, build) as running:
        with step(f"starting {cluster.cluster} in namespaces, profile {cluster.vrrp.profile}, keepalived {version}"):
            pair = served(running, asked.vip)
        return run_campaign(pair, asked, REHEARSAL_CONDITIONS, _digests_of_rehearsal(spec, cluster, version, build))


def keepalived_of(cluster: Cluster) -> tuple[str, Path]:
    """The keepalived that the spec asks for, or, where its source cannot be had, the one that this host can have."""
    wanted = cluster.keepalived or GUEST.default_keepalived
    try:
        return wanted, compiled.build_keepalived(WORKSHOP, wanted, offline=False)
    except NotFetched as missing:
        if wanted == GUEST.default_keepalived:
            raise
        warn(f"{missing.message}: this rehearsal runs keepalived {GUEST.default_keepalived} instead")
    check_version(cluster, GUEST.default_keepalived)
    return GUEST.default_keepalived, compiled.build_keepalived(WORKSHOP, GUEST.default_keepalived, offline=False)


def _digests_of_rehearsal(spec: Path, cluster: Cluster, version: str, build: Path) -> dict[str, str]:
    """What was tested: the spec, the files that it makes, and keepalived as compiled."""
    files = appliance(cluster, GUEST, version)
    shown = ("/etc/haproxy/haproxy.cfg", "/usr/share/vipforge/keepalived.conf")
    rendered = {path: hashlib.sha256(files[path].content.encode()).hexdigest() for path in shown}
    return {spec.name: sha256(spec), **rendered, build.name: sha256(build)}
