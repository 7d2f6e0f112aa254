"""The list of checks: what docs/verify.md must explain."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from builder.proof.runner import SUITE


@dataclass(frozen=True, order=True)
class Check:
    """One check: the part of a node that it belongs to, and its title in tables."""

    group: str
    title: str


def checks() -> tuple[Check, ...]:
    """Every check of the suite, in the order in which they run."""
    return tuple(check for module in sorted(SUITE.glob("test_*.py")) for check in _of(module.stem, module.read_text()))


def _of(module: str, source: str) -> list[Check]:
    functions = [each for each in ast.parse(source).body if isinstance(each, ast.FunctionDef)]
    tests = [each for each in functions if each.name.startswith("test_")]
    return [Check(module.removeprefix("test_"), (ast.get_docstring(each) or each.name).rstrip(".")) for each in tests]
