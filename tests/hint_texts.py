"""The texts that a module of vipforge can give as hints, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

POSITION = {"Problem": 2, "InvalidValue": 1, "_refusal": 2, "Finding": 3}
"""The calls that take a hint without naming it, and its place among the arguments."""
WRITERS = re.compile(r".*_hint|how_to_add|nearest|remedy|_remedy")
"""Functions that return hints."""
Scope = dict[str, list[ast.expr]]


def hints_in(path: Path) -> Iterator[str]:
    """A pattern for each text that the module can give as a hint; what depends on values matches anything."""
    tree = ast.parse(path.read_text())
    outer = _assigned(tree)
    for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)):
        scope = outer | _assigned(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                yield from (text for hint in _hints_of(node, outer) for text in _patterns(hint, scope))
            if isinstance(node, ast.Return) and node.value and WRITERS.fullmatch(function.name):
                yield from _patterns(node.value, scope)


def _hints_of(call: ast.Call, outer: Scope) -> Iterator[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    yield from (each.value for each in call.keywords if each.arg == "hint")
    place = POSITION.get(name)
    if place is None:
        return
    if len(call.args) > place:
        yield call.args[place]
    for star in (each.value for each in call.args if isinstance(each, ast.Starred)):
        for value in outer.get(getattr(star, "id", ""), []):
            if isinstance(value, ast.Tuple):
                yield value.elts[place]


def _assigned(tree: ast.AST) -> Scope:
    scope: Scope = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                for name, value in pairs:
                    if isinstance(name, ast.Name):
                        scope.setdefault(name.id, []).append(value)
    return scope


def _patterns(node: ast.expr, scope: Scope) -> Iterator[str]:
    """The patterns of an expression's texts; none for the result of a call, which another function writes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield re.escape(node.value)
    elif isinstance(node, ast.JoinedStr):
        parts = [re.escape(each.value) if isinstance(each, ast.Constant) else ".*" for each in node.values]
        if any(re.search("[a-z]{3}", part) for part in parts):
            yield "".join(parts)
    elif isinstance(node, ast.IfExp):
        yield from (text for each in (node.body, node.orelse) for text in _patterns(each, scope))
    elif isinstance(node, ast.BoolOp):
        yield from (text for each in node.values for text in _patterns(each, scope))
    elif isinstance(node, ast.BinOp):
        sides = [list(_patterns(each, scope)) for each in (node.left, node.right)]
        yield from map("".join, product(sides[0], sides[1] or [".*"]))
    elif isinstance(node, ast.Name):
        values = [value for value in scope.get(node.id, []) if node not in ast.walk(value)]
        yield from (text for value in values for text in _patterns(value, scope))
