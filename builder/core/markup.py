"""Text for people in XML, free of control characters, and results as JUnit XML, which CI systems read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from xml.etree import ElementTree as ET

ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""Terminal control sequences (ECMA-48), such as colors; removing only the escape character leaves their letters."""
UNWANTED = frozenset({"Cc", "Cf", "Cs", "Cn"})
"""Unicode categories: control and format characters (such as right-to-left overrides), surrogates, unassigned."""
KEPT = "\n\t"


def clean(text: str) -> str:
    """Remove everything from a text that is not meant to be read."""
    plain = ESCAPE_SEQUENCE.sub("", text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(each for each in plain if each in KEPT or unicodedata.category(each) not in UNWANTED)


Kind = Literal["failure", "error", "skipped"]
"""How a test did not pass; the name of its element."""
COUNTS: Mapping[str, Kind] = MappingProxyType({"failures": "failure", "errors": "error", "skipped": "skipped"})
"""The attribute of a suite that counts each kind."""


@dataclass(frozen=True)
class Outcome:
    """Why a case did not pass: in one sentence, and in full."""

    kind: Kind
    message: str
    details: str = ""


@dataclass(frozen=True)
class Case:
    """One test: the group that it belongs to, its name in the group, and how long it took."""

    group: str
    name: str
    seconds: float = 0
    outcome: Outcome | None = None
    """Empty if the test passed."""
    output: str = ""


def junit_xml(name: str, seconds: float, cases: Iterable[Case], properties: Mapping[str, str]) -> bytes:
    """The results as one suite, in the form that is common to the schemas of Jenkins and of Surefire.

    Jenkins' junit-10.xsd (xunit-plugin) allows no count of skipped tests on <testsuites> and no <properties> in a
    <testcase>. Surefire's surefire-test-report.xsd begins with <testsuite>, which has no time stamp, and gives each
    failure and error a type, and the elements of a case an order.
    """
    every = tuple(cases)
    root = _element("testsuite", name=name, tests=f"{len(every)}", **_counts(every), time=f"{seconds:.3f}")
    about = ET.SubElement(root, "properties")
    about.extend(_element("property", name=key, value=value) for key, value in properties.items())
    root.extend(map(_test_case, every))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _counts(cases: tuple[Case, ...]) -> dict[str, str]:
    kinds = [each.outcome.kind for each in cases if each.outcome]
    return {name: f"{kinds.count(kind)}" for name, kind in COUNTS.items()}


def _test_case(case: Case) -> ET.Element:
    root = _element("testcase", classname=case.group, name=case.name, time=f"{case.seconds:.3f}")
    if case.outcome:
        kind, message = case.outcome.kind, case.outcome.message
        types = {} if kind == "skipped" else {"type": case.group}
        root.append(_element(kind, case.outcome.details, message=message, **types))
    if case.output:
        root.append(_element("system-out", case.output))
    return root


def _element(tag: str, text: str = "", **attributes: str) -> ET.Element:
    new = ET.Element(tag, {key: clean(value) for key, value in attributes.items()})
    new.text = clean(text) or None
    return new
