"""A proof on a terminal and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from builder.faults import model
from builder.faults.limits import judge
from builder.faults.model import NotCovered, Proof
from builder.faults.report import summary
from builder.faults.scenarios import all_scenarios
from tests.specs import of_profile
from tests.unit.faults.trials import asked, lost, trial


def proof(*outages: float) -> Proof:
    """A proof of one scenario with a trial for each outage, in seconds."""
    trials = [
        trial([*asked(0, 1), *lost(1, 1 + each), *asked(1 + each, 8)], two_holders_s=0.5, failures=())
        for each in outages
    ]
    found = judge(of_profile("fast"), all_scenarios()["haproxy-killed"], trials, emulated=False)
    missing = NotCovered("node-off", "requires a virtual machine")
    versions = {"keepalived": "2.3.3"}
    return Proof(
        "quickstart", "fast", "netns", (found,), (missing,), versions, {}, "2026-01-01", 12.3, rate_s=0.01, room_s=0
    )


def test_a_row_has_the_numbers_and_the_verdict() -> None:
    lines = summary.proof_summary(proof(0.02, 0.03, 0.1), colour=False).splitlines()
    words = "haproxy-killed 40 ms 110 ms 110 ms 150 ms 1.2 ms none ok"
    assert lines[1].split() == words.split()
    assert lines[-1] == "quickstart, fast: 1 passed, 0 failed, 1 not covered, in 12.3 s"
    assert "node-off: not covered, requires a virtual machine" in lines


def test_a_failed_scenario_shows_its_reason() -> None:
    text = summary.proof_summary(proof(2), colour=False)
    assert "FAILED" in text
    assert "haproxy-killed: outage of 2.010 s exceeds the limit of 0.15 s" in text


def test_the_additional_time_for_emulated_guests_is_reported() -> None:
    note = "the guests were emulated, so 4 s were added to the default limits"
    assert note in summary.proof_summary(replace(proof(2), room_s=4.0), colour=False).splitlines()
    assert "emulated" not in summary.proof_summary(proof(2), colour=False)


def test_without_colour_there_are_no_control_characters() -> None:
    assert "\x1b" not in summary.proof_summary(proof(2), colour=False)
    assert "\x1b" in summary.proof_summary(proof(2), colour=True)


def test_json_has_the_results_but_no_samples() -> None:
    data = json.loads(json.dumps(model.summary(proof(0.02, 0.1))))
    (only,) = data["scenarios"]
    assert data["passed"]
    assert (
        only.items()
        >= {"name": "haproxy-killed", "profile": "fast", "repeats": 2, "limit_s": 0.15, "passed": True}.items()
    )
    assert only["outage_s"].keys() == {"median", "p95", "worst"}
    assert (only["two_holders_s"], only["no_holder_s"], only["stalls"], only["failures"]) == (0.5, 0, 0, [])
    assert "trials" not in only


def test_a_proof_survives_json() -> None:
    assert model.from_data(json.loads(json.dumps(model.to_data(proof(0.02, 0.1))))) == proof(0.02, 0.1)


def test_a_proof_from_before_the_key_failures_is_read() -> None:
    (trial, *_) = proof(0.02).scenarios[0].trials
    data = model.to_data(proof(0.02))
    data["scenarios"][0]["trials"][0]["faults"] = ["the VIPs did not move"]
    del data["scenarios"][0]["trials"][0]["failures"]
    (old, *_) = model.from_data(data).scenarios[0].trials
    assert old == replace(trial, failures=("the VIPs did not move",))
