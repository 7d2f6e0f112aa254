"""Limits: a default for every scenario, the spec's in its place, and the verdict."""

from __future__ import annotations

import pytest

from builder.core.errors import Exit, UserError
from builder.faults import campaign, limits
from builder.faults.campaign import CampaignOptions
from builder.faults.limits import bound, judge
from builder.faults.model import ScenarioResult, Trial
from builder.faults.scenarios import all_scenarios
from builder.spec.vrrp import PROFILES
from tests.specs import of_profile, quickstart
from tests.unit.faults.trials import asked, lost, trial

KILLED = all_scenarios()["haproxy-killed"]


def verdict(*trials: Trial, emulated: bool = False, **spec: object) -> ScenarioResult:
    return judge(quickstart(**spec), KILLED, trials, emulated=emulated)


def outage_of(seconds: float, **changes: object) -> Trial:
    samples = [*asked(0, 1), *lost(1, 1 + seconds), *asked(1 + seconds, 8)]
    return trial(samples, **changes)


def test_every_scenario_has_a_default_and_every_default_a_scenario() -> None:
    assert limits.FAULT.keys() == all_scenarios().keys()
    assert limits.RECOVERY.keys() <= all_scenarios().keys()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", all_scenarios())
def test_a_default_allows_what_the_formula_allows(name: str, profile: str) -> None:
    cluster = of_profile(profile)
    allowed, formula = limits.fault_limit(cluster, name, emulated=False), bound(cluster, all_scenarios()[name].notice)
    assert allowed is None or formula is None or allowed > formula


def test_the_spec_has_the_last_word() -> None:
    cluster = quickstart(proof={"limits": {"haproxy-killed": 0.05}})
    assert limits.fault_limit(cluster, "haproxy-killed", emulated=False) == 0.05
    assert limits.fault_limit(cluster, "haproxy-killed", emulated=True) == 0.05
    assert limits.fault_limit(cluster, "haproxy-stopped", emulated=False) == 0.25


def test_an_emulated_guest_gets_more_time() -> None:
    assert limits.fault_limit(quickstart(), "link-cut", emulated=True) == 3.5 + limits.EMULATED


def test_a_limit_for_a_scenario_that_there_is_not_is_a_fault_of_the_spec() -> None:
    with pytest.raises(UserError, match="haproxy-kiled") as caught:
        limits.check_limits(quickstart(proof={"limits": {"haproxy-kiled": 1}}))
    assert caught.value.exit_code == Exit.BAD_SPEC
    assert "haproxy-killed" in caught.value.hint


def test_a_scenario_that_there_is_not_is_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match="there is no scenario nothing"):
        campaign.check(quickstart(), CampaignOptions(only=("nothing",)))


def test_below_the_limit_it_passes() -> None:
    found = verdict(outage_of(0.1), outage_of(0.2))
    assert (found.passed, found.reason, found.repeats) == (True, "", 2)
    assert found.outage_s.worst == pytest.approx(0.21, abs=0.001)


def test_one_trial_over_the_limit_fails_it() -> None:
    found = verdict(outage_of(0.1), outage_of(1), outage_of(0.1))
    assert not found.passed
    assert found.reason == "outage of 1.010 s, the limit is 0.25 s"


def test_an_outage_after_the_recovery_has_a_limit_of_its_own() -> None:
    samples = [*asked(0, 6), *lost(6, 7), *asked(7, 9)]
    found = verdict(trial(samples, recovered_at=5))
    assert found.outage_s.worst == 0
    assert found.reason == "outage after the recovery of 1.010 s, the limit is 0.5 s"


def test_what_did_not_go_as_the_scenario_says_fails_it() -> None:
    found = verdict(trial(asked(0, 8), faults=("the VIPs did not move",)))
    assert found.reason == "trial 1: the VIPs did not move"


def test_a_profile_that_promises_nothing_cannot_be_over_its_limit() -> None:
    found = judge(of_profile("classic"), all_scenarios()["haproxy-hung"], [outage_of(3)], emulated=False)
    assert (found.limit_s, found.passed) == (None, True)


def test_a_ping_is_told_beside_the_service() -> None:
    samples = [*asked(0, 8, probe="ping"), *asked(0, 1), *lost(1, 2), *asked(2, 8)]
    found = verdict(trial(samples))
    assert (found.by_probe["ping"].worst, found.by_probe["http"].worst) == (0, pytest.approx(1.01, abs=0.001))
