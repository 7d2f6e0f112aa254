"""Limits: a default for every scenario, the spec's limits, and the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import Exit, UserError
from builder.faults import campaign, limits
from builder.faults.campaign import CampaignOptions
from builder.faults.limits import bound, judge
from builder.faults.model import ScenarioResult, Trial
from builder.faults.scenarios import all_scenarios
from builder.spec import report
from builder.spec.vrrp import PROFILES
from tests.specs import QUICKSTART, of_profile, quickstart
from tests.unit.faults.trials import asked, lost, trial

KILLED = all_scenarios()["haproxy-killed"]


def verdict(*trials: Trial, emulated: bool = False, **spec: object) -> ScenarioResult:
    return judge(quickstart(**spec), KILLED, trials, emulated=emulated)


def outage_of(seconds: float, **changes: object) -> Trial:
    samples = [*asked(0, 1), *lost(1, 1 + seconds), *asked(1 + seconds, 8)]
    return trial(samples, **changes)


def test_every_scenario_has_a_default_limit_and_every_default_a_scenario() -> None:
    assert limits.FAULT_LIMITS.keys() == all_scenarios().keys()
    assert limits.RECOVERY_LIMITS.keys() <= all_scenarios().keys()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", all_scenarios())
def test_no_default_limit_is_below_the_formula(name: str, profile: str) -> None:
    cluster = of_profile(profile)
    limit = limits.fault_limit(cluster, name, emulated=False)
    formula = bound(cluster, all_scenarios()[name].detection)
    assert limit is None or formula is None or limit > formula


def test_the_spec_overrides_the_default() -> None:
    cluster = quickstart(proof={"limits": {"haproxy-killed": 0.05}})
    assert limits.fault_limit(cluster, "haproxy-killed", emulated=False) == 0.05
    assert limits.fault_limit(cluster, "haproxy-killed", emulated=True) == 0.05
    assert limits.fault_limit(cluster, "haproxy-stopped", emulated=False) == 0.25


def test_an_emulated_guest_gets_more_time() -> None:
    assert limits.fault_limit(quickstart(), "link-cut", emulated=True) == 3.5 + limits.EMULATION_SECONDS


def test_a_limit_for_an_unknown_scenario_is_a_problem_in_the_spec() -> None:
    with pytest.raises(UserError, match="haproxy-kiled") as caught:
        limits.check_limits(quickstart(proof={"limits": {"haproxy-kiled": 1}}))
    assert caught.value.exit_code == Exit.BAD_SPEC
    assert "haproxy-killed" in caught.value.hint


def test_an_unknown_scenario_is_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match="unknown scenario nothing"):
        campaign.check(quickstart(), CampaignOptions(only=("nothing",)))


def test_a_scenario_below_its_limit_passes() -> None:
    found = verdict(outage_of(0.1), outage_of(0.2))
    assert (found.passed, found.reason, found.repeats) == (True, "", 2)
    assert found.outage_s.worst == pytest.approx(0.21, abs=0.001)


def test_one_trial_over_the_limit_fails_the_scenario() -> None:
    found = verdict(outage_of(0.1), outage_of(1), outage_of(0.1))
    assert not found.passed
    assert found.reason == "outage of 1.010 s exceeds the limit of 0.25 s"


def test_an_outage_after_the_recovery_has_its_own_limit() -> None:
    samples = [*asked(0, 6), *lost(6, 7), *asked(7, 9)]
    found = verdict(trial(samples, recovered_at=5))
    assert found.outage_s.worst == 0
    assert found.reason == "outage after the recovery of 1.010 s exceeds the limit of 0.5 s"


def test_an_unmet_expectation_fails_the_scenario() -> None:
    found = verdict(trial(asked(0, 8), failures=("the VIPs did not move",)))
    assert found.reason == "trial 1: the VIPs did not move"


def test_without_a_limit_a_scenario_cannot_exceed_it() -> None:
    found = judge(of_profile("classic"), all_scenarios()["haproxy-hung"], [outage_of(3)], emulated=False)
    assert (found.limit_s, found.passed) == (None, True)


def test_pings_are_reported_next_to_the_service() -> None:
    samples = [*asked(0, 8, probe="ping"), *asked(0, 1), *lost(1, 2), *asked(2, 8)]
    found = verdict(trial(samples))
    assert (found.by_probe["ping"].worst, found.by_probe["http"].worst) == (0, pytest.approx(1.01, abs=0.001))


def test_check_shows_the_line_of_a_limit_for_an_unknown_scenario(tmp_path: Path) -> None:
    spec = tmp_path / "cluster.yml"
    spec.write_text(QUICKSTART.read_text() + "proof: {limits: {haproxy-kiled: 1.5}}\n")
    (problem,) = report.problems([spec], limits.limit_problems)
    assert problem.line == len(spec.read_text().splitlines())
    assert (problem.reason, problem.hint) == ("there is no scenario haproxy-kiled", "did you mean haproxy-killed?")
    spec.write_text(QUICKSTART.read_text() + "proof: {limits: {haproxy-killed: 1.5}}\n")
    assert report.problems([spec], limits.limit_problems) == ()


def test_a_limit_that_is_no_number_hides_no_unknown_scenario(tmp_path: Path) -> None:
    spec = tmp_path / "cluster.yml"
    spec.write_text(QUICKSTART.read_text() + "proof: {limits: {haproxy-killed: x, nosuch: 1, other: y}}\n")
    found = {each.reason for each in report.problems([spec], limits.limit_problems)}
    assert {"there is no scenario nosuch", "there is no scenario other"} < found
    assert {f"{name} of limits of proof must be a number" for name in ("haproxy-killed", "other")} < found
