"""Reading results from JUnit XML."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.verify.plan import CLUSTER, Report, Result, junit, read_results

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="4">
<testcase classname="test_haproxy" name="test_a[lb1]" time="0.5"><properties>
  <property name="group" value="haproxy"/><property name="check" value="It runs"/><property name="node" value="lb1"/>
</properties></testcase>
<testcase classname="test_haproxy" name="test_a[lb2]" time="0.25"><properties>
  <property name="group" value="haproxy"/><property name="check" value="It runs"/><property name="node" value="lb2"/>
</properties><failure message="AssertionError: haproxy is failed&#10;assert 1 == 2">long</failure></testcase>
<testcase classname="test_vrrp" name="test_b" time="0">
<error message="failed on setup with &quot;RuntimeError: no answer&quot;"/></testcase>
<testcase classname="test_vrrp" name="test_c" time="0"><skipped message="not today"/></testcase>
<testcase classname="test_vrrp" name="test_d" time="0"><failure/></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def results(tmp_path: Path) -> tuple[Result, ...]:
    (tmp_path / "junit.xml").write_text(JUNIT)
    return read_results(tmp_path / "junit.xml")


def test_a_passed_check_has_no_reason(results: tuple[Result, ...]) -> None:
    assert results[0] == Result("haproxy", "It runs", "lb1", "", 0.5)
    assert results[0].ok


def test_a_failed_check_says_why_in_one_sentence(results: tuple[Result, ...]) -> None:
    assert results[1] == Result("haproxy", "It runs", "lb2", "haproxy is failed", 0.25)


def test_a_warning_is_read_and_goes_into_junit_as_output(tmp_path: Path) -> None:
    warned = JUNIT.replace('value="lb1"/>', 'value="lb1"/><property name="warning" value="it is late"/>')
    (tmp_path / "junit.xml").write_text(warned)
    first, *_ = read_results(tmp_path / "junit.xml")
    assert (first.ok, first.warning) == (True, "it is late")
    assert b"<system-out>warning: it is late</system-out>" in junit(Report("pair", (first,), 1))


def test_an_error_is_a_failure(results: tuple[Result, ...]) -> None:
    assert (results[2].node, results[2].reason) == (CLUSTER, "RuntimeError: no answer")


def test_a_skipped_check_did_not_pass(results: tuple[Result, ...]) -> None:
    assert results[3].reason == "not today"


def test_a_failure_without_a_message_still_has_a_reason(results: tuple[Result, ...]) -> None:
    assert results[4].reason == "failure without a message"


def test_a_check_whose_teardown_also_fails_counts_once(tmp_path: Path) -> None:
    case = '<testcase classname="m" name="t">{}</testcase>'
    text = "<x>" + case.format("") + case.format('<error message="cannot stop"/>') + "</x>"
    (tmp_path / "junit.xml").write_text(text)
    assert [result.reason for result in read_results(tmp_path / "junit.xml")] == ["cannot stop"]


@pytest.mark.parametrize("content", [None, "", "<testsuites>"])
def test_missing_or_unreadable_results_are_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "junit.xml").write_text(content)
    with pytest.raises(UserError, match="without a result"):
        read_results(tmp_path / "junit.xml")


def test_the_report_as_data_has_totals(results: tuple[Result, ...]) -> None:
    data = Report("pair", results, 12.345).as_data()
    assert (data["ok"], data["checked"], data["failed"], data["seconds"]) == (False, 5, 4, 12.35)
    assert data["results"][0] == {
        "group": "haproxy", "check": "It runs", "node": "lb1", "reason": "", "seconds": 0.5, "warning": "", "ok": True,
    }  # fmt: skip
