"""A run: which nodes, over which SSH configuration, what is kept of pytest's output, and how it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from builder.core.errors import TimedOut, UserError
from builder.image import manifest
from builder.lab import state
from builder.nodes import ssh
from builder.verify import plan as plans
from builder.verify import runner
from builder.verify.plan import VerifyPlan
from tests.specs import QUICKSTART

JUNIT = '<x><testcase classname="test_vrrp" name="t" time="1"/></x>'


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "wait_for", lambda *_, **__: None)


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch, fake_program) -> list[list[str]]:
    """Replace the suite by a function that writes a JUnit file; returns the commands that start it."""
    started: list[list[str]] = []

    def stream(argv, on_line, **_):
        started.append(list(argv))
        on_line("test_haproxy.py::test_a[lb1.example.com] PASSED   [ 50%]")
        junit = next(word.split("=", 1)[1] for word in argv if word.startswith("--junitxml="))
        Path(junit).write_text(JUNIT)
        return 0

    fake_program("ssh", "true")
    monkeypatch.setattr(runner, "stream", stream)
    return started


@pytest.mark.real_subprocess
@pytest.mark.usefixtures("reached")
def test_a_run_returns_results_and_writes_junit(suite: list[list[str]], tmp_path: Path) -> None:
    report = runner.verify(QUICKSTART, runner.Options(junit=tmp_path / "out" / "j.xml"))
    assert [result.check for result in report.results] == ["t"]
    written = ET.parse(tmp_path / "out" / "j.xml").getroot()
    assert [(case.get("classname"), case.get("name")) for case in written.iter("testcase")] == [
        ("verify.test_vrrp", "t [cluster]")
    ]
    assert len(suite) == 1


@pytest.mark.real_subprocess
@pytest.mark.usefixtures("reached", "suite")
def test_the_plan_comes_from_the_spec(tmp_path: Path) -> None:
    runner.verify(QUICKSTART, runner.Options(node="lb2"))
    plan = plans.read_plan(tmp_path / "build" / "quickstart" / "verify" / "plan.json")
    assert (plan.nodes, plan.is_whole, plan.packages) == (("lb2.example.com",), False, {})


@pytest.mark.real_subprocess
@pytest.mark.usefixtures("reached", "suite")
def test_the_guest_and_packages_come_from_the_manifest(tmp_path: Path) -> None:
    manifest.write(tmp_path / "build" / "quickstart", {"guest": "debian12", "packages": {"haproxy": "2.6.12"}})
    runner.verify(QUICKSTART, runner.Options())
    plan = json.loads((tmp_path / "build" / "quickstart" / "verify" / "plan.json").read_text())
    assert (plan["guest"], plan["packages"]) == ("debian12", {"haproxy": "2.6.12"})


@pytest.mark.real_subprocess
@pytest.mark.usefixtures("reached")
def test_in_a_lab_the_suite_runs_where_the_clients_are(suite: list[list[str]], tmp_path, monkeypatch) -> None:
    keeper = SimpleNamespace(client=lambda: ["env", "-i", "--"])
    monkeypatch.setattr(state, "find", lambda _: SimpleNamespace(folder=tmp_path, keeper=keeper))
    runner.verify(QUICKSTART, runner.Options())
    assert suite[0][:3] == ["env", "-i", "--"]


def test_a_node_that_is_not_in_the_cluster_is_named() -> None:
    with pytest.raises(UserError, match="no node lb9") as caught:
        runner.verify(QUICKSTART, runner.Options(node="lb9"))
    assert "lb1.example.com, lb2.example.com" in caught.value.hint


def test_a_missing_ssh_configuration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a file"):
        runner.verify(QUICKSTART, runner.Options(ssh_config=tmp_path / "absent"))


@pytest.mark.real_subprocess
def test_unreachable_nodes_end_the_run_before_any_check(suite: list[list[str]], fake_program) -> None:
    fake_program("ssh", "exit 255")
    with pytest.raises(TimedOut, match=r"lb1\.example\.com \(192\.168\.56\.11\)"):
        runner.verify(QUICKSTART, runner.Options(wait=0))
    assert suite == []


@pytest.mark.real_subprocess
@pytest.mark.usefixtures("reached")
def test_a_suite_that_cannot_run_is_an_error_with_its_last_lines(fake_program, monkeypatch) -> None:
    def broken(_argv, on_line, **_):
        on_line("ImportError: no such thing")
        return 4

    fake_program("ssh", "true")
    monkeypatch.setattr(runner, "stream", broken)
    with pytest.raises(UserError, match="ImportError: no such thing"):
        runner.verify(QUICKSTART, runner.Options())


def test_each_group_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    follower = runner.ResultFollower(log)
    lines = [f"test_{group}.py::test_x[lb1] PASSED   [ {share}%]" for group, share in (("a", 1), ("a", 9), ("b", 50))]
    for line in ["collected 3 items", *lines]:
        follower.take(line)
    assert capsys.readouterr().err.split("\n") == ["a (1 %)", "b (50 %)", ""]
    assert log.getvalue().count("\n") == 4


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    plan = VerifyPlan(str(QUICKSTART), "debian12", "2.3.3", ("lb1.example.com", "lb2.example.com"), "/c", {"a": "1"})
    plans.write_plan(plan, tmp_path / "plan.json")
    assert plans.read_plan(tmp_path / "plan.json") == plan
    assert plan.is_whole
