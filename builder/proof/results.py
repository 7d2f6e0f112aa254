"""Results of the suite, read back from pytest's JUnit XML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from builder.errors import UserError

CLUSTER = "cluster"
"""The node of a result that no single node has."""


@dataclass(frozen=True)
class Result:
    """One check on one node, or on the cluster. `reason` is empty where it passed."""

    group: str
    check: str
    node: str
    reason: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the check passed."""
        return not self.reason


@dataclass(frozen=True)
class Report:
    """Every result of one run, in the order of the suite, and how long the run took."""

    cluster: str
    results: tuple[Result, ...]
    seconds: float

    @property
    def failed(self) -> tuple[Result, ...]:
        """The results that are not ok."""
        return tuple(result for result in self.results if not result.ok)

    def as_data(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "cluster": self.cluster,
            "ok": not self.failed,
            "checked": len(self.results),
            "failed": len(self.failed),
            "seconds": round(self.seconds, 2),
            "results": [{**asdict(result), "ok": result.ok} for result in self.results],
        }


def read(junit: Path) -> tuple[Result, ...]:
    """The results in a JUnit file; raises UserError where the suite left none that can be read."""
    try:
        cases = list(ET.parse(junit).getroot().iter("testcase"))  # noqa: S314 - written by our own pytest just now
    except (FileNotFoundError, ET.ParseError):
        raise UserError("the checks ended without a result") from None
    return _merged([_result(case) for case in cases])


def _result(case: ET.Element) -> Result:
    told = {each.get("name", ""): each.get("value", "") for each in case.iter("property")}
    return Result(
        group=told.get("group", case.get("classname", "")),
        check=told.get("check", case.get("name", "")),
        node=told.get("node", CLUSTER),
        reason=_reason(case),
        seconds=float(case.get("time", 0)),
    )


def _reason(case: ET.Element) -> str:
    """Why a case did not pass. A case that was skipped was not checked, and so did not pass."""
    for fault in case:
        if fault.tag in {"failure", "error", "skipped"}:
            said = _sentence(fault.get("message") or "")
            return said or f"{fault.tag}, without a word"
    return ""


def _sentence(message: str) -> str:
    """The first line of pytest's words, without the exception's name: the sentence that the check gave."""
    line = (message.strip().splitlines() or [""])[0]
    for name in ("AssertionError: ", "failed on setup with "):
        line = line.removeprefix(name)
    return line.strip('"')


def _merged(results: Sequence[Result]) -> tuple[Result, ...]:
    """One result for each check and node; a case that fails and then cannot be torn down is listed twice by pytest."""
    kept: dict[tuple[str, str, str], Result] = {}
    for result in results:
        place = (result.group, result.check, result.node)
        if place not in kept or kept[place].ok:
            kept[place] = result
    return tuple(kept.values())
