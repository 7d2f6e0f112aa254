"""The files of a report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from builder.faults import model
from builder.faults.report import write_report
from tests import proofs


def test_a_report_consists_of_three_files(tmp_path: Path) -> None:
    files = write_report(proofs.proof(), tmp_path / "proof")
    assert {each.name for each in (tmp_path / "proof").iterdir()} == {"report.html", "proof.json", "junit.xml"}
    assert files.html.read_text().startswith("<!DOCTYPE html>")


def test_the_json_has_the_results_and_the_complete_proof(tmp_path: Path) -> None:
    proof = proofs.proof()
    data = json.loads(write_report(proof, tmp_path).json.read_text())
    first = data["scenarios"][0]
    assert {"name", "profile", "repeats", "outage_s", "limit_s", "passed"} <= first.keys()
    assert first["outage_s"].keys() == {"median", "p95", "worst"}
    assert (data["passed"], first["repeats"]) == (False, 3)
    assert model.from_data(data) == proof


def test_junit_counts_what_passed_failed_and_was_not_covered(tmp_path: Path) -> None:
    suite = ET.parse(write_report(proofs.proof(), tmp_path).junit).getroot()
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "web",
        "tests": "5",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    failure = cases["keepalived-killed"].find("failure")
    assert failure is not None
    assert failure.get("message") == "outage of 3.210 s exceeds the limit of 0.05 s"
    assert "trial 1: the nodes did not both hold the VIPs within 3 s" in (failure.text or "")
    assert cases["node-off"].find("skipped") is not None
    assert cases["haproxy-killed"].find("failure") is None


def test_junit_is_valid_xml_whatever_the_logs_contain(tmp_path: Path) -> None:
    bad = replace(proofs.failed(), reason="<script>\x00\x1b[0m & ]]>", title="\ufffe\ud800")
    suite = ET.parse(write_report(proofs.proof(bad), tmp_path).junit)
    assert [each.get("message") for each in suite.iter("failure")] == ["<script> & ]]>"]
