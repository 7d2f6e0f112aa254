"""JUnit results, validated with what the schemas of Jenkins and Surefire have in common."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.core.markup import Case, Outcome, junit_xml
from builder.faults.report import summary
from builder.verify import plan
from builder.verify.plan import Result
from tests import proofs
from tests.relaxng import errors

pytestmark = pytest.mark.real_subprocess
CASES = (
    Case("proof.fast", "passed", 1234.5678, output="well"),
    Case("proof.fast", "failed", 1, Outcome("failure", "too late", "trial 1: too late\n<&\x1b[31m\x00"), "but well"),
    Case("proof.fast", "skipped", outcome=Outcome("skipped", "needs a machine")),
    Case("proof.fast", "broken", outcome=Outcome("error", "interrupted")),
)
TEXT = junit_xml("web", 3.25, CASES, {"keepalived": "2.3.3"}).decode()


def test_results_of_every_kind_are_valid() -> None:
    assert errors("junit", TEXT) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<testsuite ", '<testsuite timestamp="2026-11-23T19:13:51" '),
        ('skipped="1" ', ""),
        (' type="proof.fast">trial', ">trial"),
        (' type="proof.fast" />', " />"),
        ('classname="proof.fast" name="passed" time="1234.568">', 'classname="proof.fast" name="passed">'),
        ("<system-out>well</system-out>", '<properties><property name="node" value="lb1"/></properties>'),
        ("<system-out>well</system-out>", '<system-out>well</system-out><skipped message=""/>'),
        ("1234.568", "1,234.5678"),
    ],
)
def test_the_schema_rejects_what_jenkins_or_surefire_refuse(right: str, wrong: str) -> None:
    assert right in TEXT
    assert errors("junit", TEXT.replace(right, wrong))


def test_a_proof_is_valid() -> None:
    proof = proofs.proof()
    assert errors("junit", summary.junit(proof)) == ""
    assert errors("junit", summary.junit(replace(proof, broken_off="in hand-over: no answer"))) == ""


def test_a_run_of_verify_is_valid_and_names_check_and_node() -> None:
    failed = Result("vrrp", "One node holds the VIP", "lb2", "none does", 0.25, "E  assert 0 == 1")
    text = plan.junit(plan.Report("web", (failed, replace(failed, node="lb1", reason="")), 2.5)).decode()
    assert errors("junit", text) == ""
    assert '<testcase classname="verify.vrrp" name="One node holds the VIP [lb2]" time="0.250">' in text
    assert '<failure message="none does" type="verify.vrrp">E  assert 0 == 1</failure>' in text
