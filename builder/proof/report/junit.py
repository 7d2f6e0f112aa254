"""The proof as JUnit XML, which every CI server shows: a scenario is a test case."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from builder.proof.model import NotCovered, Proof, ScenarioResult
from builder.proof.report.story import faults
from builder.proof.report.svg import add, element
from builder.proof.report.words import seconds


def junit(proof: Proof) -> bytes:
    """The whole file."""
    counts = {
        "tests": f"{len(proof.scenarios) + len(proof.not_covered) + bool(proof.broken_off)}",
        "failures": f"{sum(not each.passed for each in proof.scenarios)}",
        "errors": f"{int(bool(proof.broken_off))}",
        "skipped": f"{len(proof.not_covered)}",
        "time": f"{proof.seconds:.3f}",
    }
    root = element("testsuites", name="vipforge", **counts)
    suite = add(root, "testsuite", name=proof.cluster, timestamp=proof.started, **counts)
    about = add(suite, "properties")
    facts = {"profile": proof.profile, "how": proof.how, **proof.versions, **proof.digests}
    for name, value in facts.items():
        add(about, "property", name=name, value=value)
    suite.extend([*map(_run, proof.scenarios), *(_skipped(each, proof.profile) for each in proof.not_covered)])
    if proof.broken_off:
        suite.append(_broken_off(proof))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _broken_off(proof: Proof) -> ET.Element:
    case = element("testcase", classname=f"proof.{proof.profile}", name="the whole run", time="0")
    add(case, "error", message=proof.broken_off)
    return case


def _run(result: ScenarioResult) -> ET.Element:
    took = sum(trial.ended_at for trial in result.trials)
    case = element("testcase", classname=f"proof.{result.profile}", name=result.name, time=f"{took:.3f}")
    if not result.passed:
        add(case, "failure", "\n".join([result.reason, *faults(result)]), message=result.reason, type="proof")
    add(case, "system-out", f"{result.title}. {_felt(result)}")
    return case


def _felt(result: ScenarioResult) -> str:
    felt = result.outage_s
    limit = "no limit" if result.limit_s is None else f"limit {seconds(result.limit_s)}"
    found = f"median {seconds(felt.median)}, 95th percentile {seconds(felt.p95)}, worst {seconds(felt.worst)}"
    return f"Outage: {found}; {limit}; trials: {result.repeats}."


def _skipped(each: NotCovered, profile: str) -> ET.Element:
    case = element("testcase", classname=f"proof.{profile}", name=each.name, time="0")
    add(case, "skipped", message=each.reason)
    return case
