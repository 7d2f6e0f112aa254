"""Run a campaign (`vipforge rehearse` and `vipforge proof`): scenarios in turn, each several times, and judge them."""

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
from builder.core.errors import InvalidOption, UserError
from builder.core.files import sha256
from builder.core.progress import say, step, warn
from builder.faults import limits, trial
from builder.faults.model import NotCovered, Proof, ScenarioResult, Trial
from builder.faults.pairs import Pair
from builder.faults.pairs.netns import serving_pair
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
from builder.spec.keepalived_features import check_version
from builder.spec.load import load
from builder.spec.model import Cluster

NOT_REACHED = "the run ended before this scenario was complete"
_EarlyEnd = UserError | KeyboardInterrupt
"""Ends a run early; the results so far are kept."""
GUEST = embedded()
"""The guest whose programs this host can run without a virtual machine."""
BUILD_ROOT = DebianBuildRoot(GUEST.suite)


@dataclass(frozen=True)
class CampaignOptions:
    """The options of a run."""

    only: tuple[str, ...] = ()
    """The names of the scenarios to run; empty for all."""
    repeat: int = 1
    random_seed: int = 0
    """Determines the order of the scenarios and how long each trial waits before its fault."""
    rate: float | None = None
    """Seconds between two requests of a probe; None for the default of this kind of pair."""
    vip: str | None = None
    """The VIP to watch; None for the first one."""


@dataclass(frozen=True)
class Conditions:
    """The pace and the time limits that suit a kind of pair."""

    pace: Pace
    patience: Patience
    emulated: bool


def check(cluster: Cluster, options: CampaignOptions) -> None:
    """Raise UserError for an unknown scenario, limit or VIP before anything is started."""
    limits.check_limits(cluster)
    vips = [str(vip) for vip in cluster.vrrp.vips]
    if options.vip and options.vip not in vips:
        raise InvalidOption(f"{options.vip} is not a VIP of {cluster.cluster}", hint=f"its VIPs are {', '.join(vips)}")
    unknown = [name for name in options.only if name not in all_scenarios()]
    if unknown:
        raise InvalidOption(
            f"unknown scenario {', '.join(unknown)}", hint=f"known scenarios: {', '.join(all_scenarios())}"
        )


def run_campaign(pair: Pair, options: CampaignOptions, conditions: Conditions, digests: dict[str, str]) -> Proof:
    """Run the selected scenarios that are possible on the pair; raises UserError if there are none."""
    began, started = time.monotonic(), datetime.now(UTC)
    selected = [all_scenarios()[name] for name in options.only] or list(all_scenarios().values())
    reasons = {scenario.name: scenario.why_not(pair) for scenario in selected}
    possible = [scenario for scenario in selected if not reasons[scenario.name]]
    if not possible:
        why_not = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise UserError(f"none of the scenarios can be run here: {why_not}")
    versions = {"vipforge": __version__, **pair.versions()}  # read now: after a failed run, no node may answer
    outcome = _run_all(pair, possible, options, conditions)
    reasons |= {each.name: NOT_REACHED for each in possible if outcome.broken_off}
    reasons |= {each.name: "" for each in outcome.results}
    return Proof(
        cluster=pair.cluster.cluster,
        profile=pair.cluster.vrrp.profile,
        how=pair.how,
        scenarios=outcome.results,
        not_covered=tuple(NotCovered(name, reason) for name, reason in reasons.items() if reason),
        versions=versions,
        digests=digests,
        started=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - began, 3),
        rate_s=options.rate or conditions.pace.rate,
        room_s=limits.EMULATION_SECONDS if conditions.emulated else 0,
        broken_off=outcome.broken_off,
        interrupted=outcome.interrupted,
    )


@dataclass(frozen=True)
class _Outcome:
    """The results in the order of the selection, and why the run ended early, if it did."""

    results: tuple[ScenarioResult, ...]
    broken_off: str
    interrupted: bool


def _run_all(pair: Pair, possible: Sequence[Scenario], options: CampaignOptions, conditions: Conditions) -> _Outcome:
    """Run the scenarios in the order that the random seed determines.

    A pair that does not become healthy ends the run, and so does Ctrl-C. All completed trials are kept; if there are
    none, the error is raised.
    """
    random = Random(options.random_seed)  # noqa: S311 - no secret
    pace = replace(conditions.pace, rate=options.rate or conditions.pace.rate)
    stage = Stage(pair, pace, conditions.patience, random)
    order = random.sample(range(len(possible)), len(possible)) if options.random_seed else range(len(possible))
    results: dict[int, ScenarioResult] = {}
    reason = ""
    early_end: _EarlyEnd | None = None
    for number in order:
        result, early_end = _run_scenario(stage, possible[number], options.repeat, conditions)
        if result:
            results[number] = result
        if early_end:
            reason = _end_reason(possible[number], result, options.repeat, early_end)
            break
    if early_end and not results:
        raise early_end
    in_order = tuple(results[number] for number in sorted(results))
    return _Outcome(in_order, reason, isinstance(early_end, KeyboardInterrupt))


def _run_scenario(
    stage: Stage, scenario: Scenario, repeat: int, conditions: Conditions
) -> tuple[ScenarioResult | None, _EarlyEnd | None]:
    """The result of the completed trials, or None if there are none, and what ended the trials early."""
    trials: list[Trial] = []
    try:
        with step(f"{scenario.name}: {scenario.title}"):
            for number in range(1, repeat + 1):
                trials += [trial.run_trial(stage, scenario, number)]
            return _judge(stage, scenario, trials, conditions), None
    except (UserError, KeyboardInterrupt) as failure:
        return _judge(stage, scenario, trials, conditions) if trials else None, failure


def _judge(stage: Stage, scenario: Scenario, trials: Sequence[Trial], conditions: Conditions) -> ScenarioResult:
    result = limits.judge(stage.pair.cluster, scenario, trials, emulated=conditions.emulated)
    say(f"outage {seconds(result.outage_s.worst)}, {'ok' if result.passed else f'FAILED: {result.reason}'}")
    return result


def _end_reason(scenario: Scenario, result: ScenarioResult | None, repeat: int, early_end: _EarlyEnd) -> str:
    cause = early_end.message if isinstance(early_end, UserError) else "interrupted"
    progress = f", after {result.repeats} of {repeat} trials" if result else ""
    return f"in {scenario.name}{progress}: {cause}"


CONDITIONS: dict[Accelerator, Conditions] = {
    "kvm": Conditions(Pace(rate=0.005), Patience(settle=120, effect=30, recover=180), emulated=False),
    "tcg": Conditions(
        Pace(rate=0.2, timeout=2, holder_rate=0.1, holder_patience=0.5, answers=3),
        Patience(settle=300, effect=60, recover=600),
        emulated=True,
    ),
}
"""A faster rate would keep an emulated guest, which takes minutes to boot, busy with answers alone. At this rate, ten
answers would take longer than systemd needs to restart a killed daemon."""


def prove(spec: Path, options: CampaignOptions) -> Proof:
    """Run the scenarios in the VM lab; raises UserError if the cluster's lab is not running."""
    cluster = load(spec)
    check(cluster, options)
    how = accelerator()
    pair = VmPair(state.running_lab(cluster), how, options.vip)
    return run_campaign(pair, options, CONDITIONS[how], _digests(spec, cluster))


def _digests(spec: Path, cluster: Cluster) -> dict[str, str]:
    """The digests of the spec and of the image from which the nodes were started."""
    folder = paths.build_folder(cluster.cluster)
    baked = {manifest.IMAGE: sha256(folder / manifest.IMAGE)} if manifest.read(folder) else {}
    return {spec.name: sha256(spec), **baked}


REHEARSAL_CONDITIONS = Conditions(
    pace=Pace(rate=0.005), patience=Patience(settle=30, effect=20, recover=30), emulated=False
)


def rehearse(spec: Path, options: CampaignOptions) -> Proof:
    """Run the scenarios in network namespaces; raises HostLacks if this host cannot run the pair."""
    cluster = load(spec)
    check(cluster, options)
    netns.check_host()  # before spending minutes on compiling keepalived
    version, build = available_keepalived(cluster)
    with netns.pair(cluster, GUEST, version, build) as running:
        with step(f"starting {cluster.cluster} in namespaces, profile {cluster.vrrp.profile}, keepalived {version}"):
            pair = serving_pair(running, options.vip)
        return run_campaign(pair, options, REHEARSAL_CONDITIONS, _digests_of_rehearsal(spec, cluster, version, build))


def available_keepalived(cluster: Cluster) -> tuple[str, Path]:
    """Compile the spec's keepalived, or the guest's default if that source is unavailable; returns version and tar."""
    version = cluster.keepalived or GUEST.default_keepalived
    try:
        return version, compiled.build_keepalived(BUILD_ROOT, version, offline=False)
    except NotFetched as missing:
        if version == GUEST.default_keepalived:
            raise
        warn(f"{missing.message}: this rehearsal runs keepalived {GUEST.default_keepalived} instead")
    check_version(cluster, GUEST.default_keepalived)
    return GUEST.default_keepalived, compiled.build_keepalived(BUILD_ROOT, GUEST.default_keepalived, offline=False)


def _digests_of_rehearsal(spec: Path, cluster: Cluster, version: str, build: Path) -> dict[str, str]:
    """The digests of the spec, of its rendered configuration, and of the compiled keepalived."""
    files = appliance(cluster, GUEST, version)
    listed = ("/etc/haproxy/haproxy.cfg", "/usr/share/vipforge/keepalived.conf")
    rendered = {path: hashlib.sha256(files[path].content.encode()).hexdigest() for path in listed}
    return {spec.name: sha256(spec), **rendered, build.name: sha256(build)}
