"""The Python in docs/lab.md imports names that exist and calls functions that exist."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lab.md"


def blocks() -> list[ast.Module]:
    return [ast.parse(text) for text in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)]


def test_there_are_examples() -> None:
    assert len(blocks()) == 2


def test_what_the_examples_use_exists() -> None:
    for block in blocks():
        modules = {
            name.name: import_module(f"{each.module}.{name.name}")
            for each in ast.walk(block)
            if isinstance(each, ast.ImportFrom)
            for name in each.names
        }
        used = [
            each for each in ast.walk(block) if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
        ]
        of_modules = [(each.value.id, each.attr) for each in used if each.value.id in modules]
        assert of_modules
        assert [use for use in of_modules if not hasattr(modules[use[0]], use[1])] == []
