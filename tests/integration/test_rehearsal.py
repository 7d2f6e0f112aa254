"""The scenarios with the real daemons. The tests check what happens and that it is measured, not milliseconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from builder.core.waiting import until
from builder.faults.campaign import CampaignOptions, rehearse
from builder.faults.model import Proof, ScenarioResult, Trial, from_data, to_data
from builder.faults.scenarios import Effect, all_scenarios
from builder.sources import pin
from builder.sources.fetch import is_cached
from builder.spec.vrrp import PROFILES

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
MACHINES = {name for name, scenario in all_scenarios().items() if scenario.needs_machines}
CLASSIC = ("haproxy-killed", "haproxy-hung", "keepalived-killed", "vrrp-blocked-one-way", "hand-over")
STANDARD = ("haproxy-killed", "haproxy-hung", "link-cut", "hand-over")
LB1, LB2 = "lb1.example.com", "lb2.example.com"

ARTICLE = "1.2.13"
"""The article's keepalived. No Debian mirror has it, so it is tested only if it is in the cache."""
ON_ARTICLE = f"classic on {ARTICLE}"

_proofs: dict[str, Proof] = {}


def proof(which: str) -> Proof:
    """One rehearsal per example, shared by all tests: `fast` runs every scenario, the others run some."""
    if which not in _proofs:
        only = {"standard": STANDARD, "fast": ()}.get(which, CLASSIC)
        with tempfile.TemporaryDirectory() as folder:
            _proofs[which] = rehearse(spec_of(which, Path(folder)), CampaignOptions(only=only, rate=0.01))
    return _proofs[which]


def spec_of(which: str, folder: Path) -> Path:
    """A profile's example, or the classic one with the article's keepalived."""
    if which != ON_ARTICLE:
        return EXAMPLES / f"{which}.yml"
    path = folder / "classic.yml"
    path.write_text(f'{(EXAMPLES / path.name).read_text()}keepalived: "{ARTICLE}"\n')
    return path


def result(which: str, name: str) -> ScenarioResult:
    return next(each for each in proof(which).scenarios if each.name == name)


def trial(which: str, name: str) -> Trial:
    (only,) = result(which, name).trials
    return only


ALL = [
    *(("fast", name) for name in all_scenarios() if name not in MACHINES),
    *(("standard", name) for name in STANDARD),
    *(("classic", name) for name in CLASSIC),
    *((ON_ARTICLE, name) for name in CLASSIC if is_cached(pin("keepalived", ARTICLE))),
]


@pytest.mark.parametrize(("which", "name"), ALL)
def test_all_expectations_of_the_scenario_are_met(which: str, name: str) -> None:
    assert trial(which, name).failures == ()


@pytest.mark.parametrize(("which", "name"), ALL)
def test_every_probe_is_answered_before_the_fault_and_after_the_recovery(which: str, name: str) -> None:
    seen = trial(which, name)
    assert seen.recovered_at is not None
    for probe in ("ping", "tcp", "http", "kept"):
        good = [sample for sample in seen.samples if sample.probe == probe and sample.ok]
        assert any(sample.at < seen.injected_at for sample in good)
        assert any(sample.at > seen.recovered_at for sample in good)


@pytest.mark.parametrize(("which", "name"), ALL)
def test_a_moving_vip_is_announced_held_and_served_by_the_other_node(which: str, name: str) -> None:
    if all_scenarios()[name].effect_in(PROFILES[proof(which).profile], restarted=False) is not Effect.MOVES:
        return
    seen = trial(which, name)
    assert seen.garps
    assert (LB2,) in [moment.nodes for moment in seen.holders]
    assert {sample.node for sample in seen.samples if sample.ok and sample.probe == "http"} == {LB1, LB2}
    assert (LB2, "MASTER") in [(moment.node, moment.state) for moment in seen.states]
    assert "MASTER STATE" in seen.logs[LB2]


def test_scenarios_that_require_machines_are_reported_as_not_covered() -> None:
    assert {each.name for each in proof("fast").not_covered} == MACHINES
    assert all("requires a virtual machine" in each.reason for each in proof("fast").not_covered)


def test_in_the_classic_profile_clients_wait_and_pings_do_not_show_it() -> None:
    found = result("classic", "haproxy-killed")
    assert found.outage_s.median > 0.5
    assert found.by_probe["ping"].median < found.outage_s.median / 2
    assert found.outage_s.median > result("fast", "haproxy-killed").outage_s.median


def test_only_the_classic_profile_does_not_detect_a_hang() -> None:
    assert {moment.nodes for moment in trial("classic", "haproxy-hung").holders} == {(LB1,)}
    for profile in ("standard", "fast"):
        assert trial(profile, "haproxy-hung").recovered_at > result(profile, "haproxy-hung").outage_s.median


@pytest.mark.parametrize("name", ["vrrp-blocked", "vrrp-blocked-one-way"])
def test_a_split_brain_is_observed_and_ends(name: str) -> None:
    seen = trial("fast", name)
    assert seen.two_holders_s > 0.5
    assert seen.holders[-1].nodes == (LB1,)


def test_the_load_is_measured() -> None:
    for share in trial("fast", "cpu-load").busy.values():
        assert 0.5 < share <= 1


@pytest.mark.parametrize(
    ("name", "complaint"), [("mail-refuses", "SMTP status code = 550"), ("mail-down", "returned write error")]
)
def test_failed_alerts_are_logged_and_the_next_one_is_sent(name: str, complaint: str) -> None:
    for log in trial("fast", name).logs.values():
        assert complaint in log
        assert "SMTP alert successfully sent" in log.partition(complaint)[2]


def test_hanging_alerts_are_sent_once_the_server_answers() -> None:
    seen = trial("fast", "mail-hangs")
    for log in seen.logs.values():
        sent = [float(line.split()[0]) for line in log.splitlines() if "SMTP alert successfully sent" in line]
        assert min(sent) > seen.recovered_at


def test_without_any_haproxy_no_node_holds_the_vip() -> None:
    assert trial("fast", "haproxy-all-down").no_holder_s > 1
    assert result("fast", "haproxy-all-down").outage_s.median > 1


def test_versions_and_digests_identify_what_was_tested() -> None:
    found = proof("fast")
    assert found.versions.keys() >= {"vipforge", "keepalived", "haproxy", "kernel"}
    assert found.versions["keepalived"] == "2.3.3"
    assert "fast.yml" in found.digests


def test_a_proof_survives_json() -> None:
    assert from_data(json.loads(json.dumps(to_data(proof("standard"))))) == proof("standard")


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "builder", "rehearse", *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120)


def test_exceeding_a_limit_of_the_spec_fails_the_command(tmp_path: Path) -> None:
    spec = tmp_path / "cluster.yml"
    spec.write_text((EXAMPLES / "fast.yml").read_text() + "proof: {limits: {link-cut: 0.001}}\n")
    done = command(spec, "--only", "link-cut", "--json")
    data = json.loads(done.stdout)
    (only,) = data["scenarios"]
    assert done.returncode == 1, done.stderr
    assert not data["passed"]
    assert (only["name"], only["profile"], only["repeats"], only["limit_s"], only["passed"]) == (
        "link-cut", "fast", 1, 0.001, False,
    )  # fmt: skip
    assert only["outage_s"].keys() == {"median", "p95", "worst"}
    assert "exceeds the limit of 0.001 s" in only["reason"]


def test_without_preemption_the_vip_stays_on_the_node_that_took_it(tmp_path: Path) -> None:
    spec = tmp_path / "cluster.yml"
    text = (EXAMPLES / "fast.yml").read_text().replace("  profile: fast\n", "  profile: fast\n  preempt: false\n")
    spec.write_text(text)
    found = rehearse(spec, CampaignOptions(only=("haproxy-killed", "hand-over"), rate=0.01))
    for each in found.scenarios:
        (seen,) = each.trials
        assert seen.failures == ()
        assert seen.holders[0].nodes != seen.holders[-1].nodes


def test_a_killed_rehearsal_leaves_no_probe(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "builder", "rehearse", EXAMPLES / "fast.yml", "--only", "cpu-load"]
    with subprocess.Popen(words, env=environment(tmp_path), stderr=subprocess.DEVNULL) as run:
        until(lambda: probes_in(tmp_path), "the probes to start", limit=60)
        run.send_signal(signal.SIGKILL)
    until(lambda: not probes_in(tmp_path), "the probes to end", limit=10)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_interrupted_rehearsal_reports_its_results_and_leaves_no_probe(tmp_path: Path) -> None:
    only = ("--only", "hand-over", "--only", "cpu-load", "--report", tmp_path / "report")
    words = ["env", "--default-signal=INT", sys.executable, "-m", "builder", "rehearse", EXAMPLES / "fast.yml", *only]
    with subprocess.Popen(
        list(map(str, words)), env=environment(tmp_path), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as run:  # fmt: skip
        assert run.stderr
        while "cpu-load:" not in run.stderr.readline():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "the run ended early in cpu-load: interrupted" in output
    assert [each.name for each in read_proof(tmp_path / "report").scenarios] == ["hand-over"]
    assert not probes_in(tmp_path)
    assert list((tmp_path / "tmp").iterdir()) == []


def environment(folder: Path) -> dict[str, str]:
    """The environment of a command with its own state and temporary folder."""
    (folder / "tmp").mkdir()
    return {**os.environ, "TMPDIR": str(folder / "tmp"), "VIPFORGE_STATE": str(folder / "state")}


def read_proof(folder: Path) -> Proof:
    return from_data(json.loads((folder / "proof.json").read_text()))


def probes_in(folder: Path) -> list[bytes]:
    """The command lines of the probes that run in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes())
    return [words for words in found if b"builder.faults.probes" in words and bytes(folder) in words]
