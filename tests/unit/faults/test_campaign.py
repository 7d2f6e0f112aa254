"""A run refuses invalid options before it breaks anything, and keeps its results if it ends early."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from builder.core.errors import TimedOut, UserError
from builder.faults import campaign, trial
from builder.faults.campaign import CampaignOptions, Conditions
from builder.faults.model import Proof
from builder.faults.report import html, summary
from builder.faults.report.summary import junit
from builder.faults.trial import Patience
from builder.faults.watch import Pace
from tests import proofs
from tests.specs import of_profile
from tests.unit.faults.report.reading import Reader

CONDITIONS = Conditions(Pace(rate=0.01), Patience(settle=1, effect=2, recover=3), emulated=False)


def test_a_run_without_a_possible_scenario_is_refused() -> None:
    pair: Any = SimpleNamespace(cluster=of_profile("fast"), has_machines=False, how="netns")
    with pytest.raises(
        UserError, match=r"none of the scenarios can be run here: node-off: requires a virtual machine"
    ):
        campaign.run_campaign(pair, CampaignOptions(only=("node-off",)), CONDITIONS, {})


def test_an_unknown_scenario_is_refused_and_the_hint_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown scenario haproxy-kiled") as refused:
        campaign.check(of_profile("fast"), CampaignOptions(only=("haproxy-kiled",)))
    assert "haproxy-killed" in refused.value.hint


def test_an_unknown_vip_is_refused_and_the_hint_names_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"192\.168\.56\.99 is not a VIP of quickstart") as refused:
        campaign.check(of_profile("fast"), CampaignOptions(vip="192.168.56.99"))
    assert refused.value.hint == "its VIPs are 192.168.56.10"


def test_a_pair_that_does_not_become_healthy_ends_the_run_and_results_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = iter([proofs.killed()])

    def run(*_: object) -> object:
        try:
            return next(results), None
        except StopIteration:
            return None, TimedOut("waited 1 s for lb1 to be MASTER")

    calls: list[str] = []

    def versions() -> dict[str, str]:
        """The versions are available only while the node runs."""
        calls.append("versions")
        assert len(calls) == 1, "a dead node was asked for its versions"
        return {"keepalived": "2.3.3"}

    def run_scenario(*words: object) -> object:
        calls.append("scenario")
        return run(*words)

    monkeypatch.setattr(campaign, "_run_scenario", run_scenario)
    pair: Any = SimpleNamespace(cluster=of_profile("fast"), has_machines=False, how="netns", versions=versions)
    only = ("haproxy-killed", "hand-over", "link-cut", "node-off")
    found = campaign.run_campaign(pair, CampaignOptions(only=only), CONDITIONS, {})
    assert [each.name for each in found.scenarios] == ["haproxy-killed"]
    assert found.broken_off == "in hand-over: waited 1 s for lb1 to be MASTER"
    assert [each.name for each in found.not_covered] == ["hand-over", "link-cut", "node-off"]
    assert not found.passed
    assert found.versions["keepalived"] == "2.3.3"
    assert f"the run ended early {found.broken_off}" in summary.proof_summary(found, colour=False)
    assert found.broken_off in Reader(html(found)).text
    assert junit(found).count(b"<error") == 1


@pytest.mark.parametrize(
    ("end", "word", "by_a_person"),
    [
        (TimedOut("waited 1 s for lb1 to be MASTER"), "waited 1 s for lb1 to be MASTER", False),
        (KeyboardInterrupt(), "interrupted", True),
    ],
)
def test_trials_before_a_failed_one_are_kept(
    monkeypatch: pytest.MonkeyPatch, end: BaseException, word: str, by_a_person: bool
) -> None:
    done = proofs.killed().trials[0]

    def run(_stage: object, _scenario: object, number: int) -> object:
        if number == 3:
            raise end
        return replace(done, number=number)

    monkeypatch.setattr(trial, "run_trial", run)
    pair: Any = SimpleNamespace(cluster=of_profile("fast"), has_machines=False, how="netns", versions=dict)
    found = campaign.run_campaign(
        pair, CampaignOptions(only=("haproxy-killed", "hand-over"), repeat=5), CONDITIONS, {}
    )
    assert [(each.name, each.repeats) for each in found.scenarios] == [("haproxy-killed", 2)]
    assert found.broken_off == f"in haproxy-killed, after 2 of 5 trials: {word}"
    assert [each.name for each in found.not_covered] == ["hand-over"]
    assert (found.passed, found.interrupted) == (False, by_a_person)
    assert "The run ended before all requested trials were complete." in Reader(html(found)).text


def test_an_interrupted_run_keeps_its_results(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_stage: object, scenario: Any, *_: object) -> object:
        if scenario.name == "hand-over":
            return None, KeyboardInterrupt()
        return proofs.killed(), None

    monkeypatch.setattr(campaign, "_run_scenario", run)
    pair: Any = SimpleNamespace(cluster=of_profile("fast"), has_machines=False, how="netns", versions=dict)
    found = campaign.run_campaign(
        pair, CampaignOptions(only=("haproxy-killed", "hand-over", "link-cut")), CONDITIONS, {}
    )
    assert (found.interrupted, found.passed, found.broken_off) == (True, False, "in hand-over: interrupted")
    assert [each.name for each in found.scenarios] == ["haproxy-killed"]
    with pytest.raises(KeyboardInterrupt):
        campaign.run_campaign(pair, CampaignOptions(only=("hand-over", "link-cut")), CONDITIONS, {})


def test_the_random_seed_determines_the_order_of_the_run_but_not_of_the_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("haproxy-stopped", "haproxy-killed", "link-cut", "hand-over", "cpu-load")
    done: list[str] = []

    def run(_stage: object, scenario: Any, *_: object) -> object:
        done.append(scenario.name)
        return replace(proofs.killed(), name=scenario.name), None

    def order(random_seed: int) -> tuple[str, ...]:
        done.clear()
        found = campaign.run_campaign(pair, CampaignOptions(only=names, random_seed=random_seed), CONDITIONS, {})
        assert tuple(each.name for each in found.scenarios) == names
        return tuple(done)

    monkeypatch.setattr(campaign, "_run_scenario", run)
    pair: Any = SimpleNamespace(cluster=of_profile("fast"), has_machines=False, how="netns", versions=dict)
    assert order(0) == names
    assert order(1) == order(1)
    assert len({order(random_seed) for random_seed in range(1, 9)}) > 1
    assert {frozenset(order(seed)) for seed in range(1, 9)} == {frozenset(names)}


def test_a_pair_that_is_never_healthy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> object:
        return None, TimedOut("waited 1 s for lb1 to be MASTER")

    monkeypatch.setattr(campaign, "_run_scenario", run)
    pair: Any = SimpleNamespace(cluster=of_profile("fast"), has_machines=False, versions=dict)
    with pytest.raises(TimedOut):
        campaign.run_campaign(pair, CampaignOptions(only=("hand-over",)), CONDITIONS, {})


def test_a_proof_of_nothing_has_not_passed() -> None:
    nothing: Proof = proofs.proof()
    assert not nothing.passed
