"""What hints name exists: commands, options, pages, variables, and keys of the spec."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from builder import cli
from builder.spec import hints
from builder.spec.model import Cluster
from tests.hint_texts import hints_in

ROOT = Path(__file__).resolve().parents[3]
HINTS = sorted(
    {
        (str(path.relative_to(ROOT)), re.sub(r"\\(.)", r"\1", pattern))
        for path in (ROOT / "builder").rglob("*.py")
        for pattern in hints_in(path)
    }
)
"""Each module with each of its hints, in which `.*` stands for what depends on values."""
OF_OTHERS = {"--no-install-recommends"}
"""Options of other programs."""
SECTIONS = {name for name in Cluster.model_fields if hints.known_keys((name,))}
PAGES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


@pytest.fixture(scope="module")
def commands() -> Any:
    app = typer.Typer()
    for name in cli.MODULES:
        import_module(f"builder.cli.{name}").register(app)
    return typer.main.get_command(app)


def below(command: Any) -> dict[str, Any]:
    """The commands of a group by name; none for a command."""
    return getattr(command, "commands", {})


def options(command: Any) -> Iterator[str]:
    """The options of a command and of the commands below it."""
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for each in below(command).values():
        yield from options(each)


def named_commands() -> Iterator[tuple[str, str]]:
    """The hints that tell the user to run vipforge, each with the words that follow the program's name."""
    for module, hint in HINTS:
        yield from ((f"{module}: {hint}", words) for words in re.findall(r"(?:^|`|: )vipforge ([^`;,(]*)", hint))


def test_every_command_in_a_hint_exists_with_its_options(commands: Any) -> None:
    found = list(named_commands())
    assert len(found) > 25
    for hint, text in found:
        words, command = text.split(), commands
        while words and words[0] in below(command):
            command = below(command)[words.pop(0)]
        assert command is not commands, f"no such command: {hint}"
        assert not below(command) or words == [], f"no such command: {hint}"
        assert {word for word in words if word.startswith("--")} <= set(options(command)), f"no such option: {hint}"


def test_every_option_in_a_hint_exists(commands: Any) -> None:
    known = {*options(commands), *OF_OTHERS}
    named = [(hint, option) for _, hint in HINTS for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", hint)]
    assert len(named) > 5
    assert [each for each in named if each[1] not in known] == []


def test_every_page_and_variable_in_a_hint_exists() -> None:
    pages = {page for _, hint in HINTS for page in re.findall(r"docs/[a-z-]+\.md", hint)}
    variables = {name for _, hint in HINTS for name in re.findall(r"VIPFORGE_[A-Z_]*[A-Z]", hint)}
    assert len(pages) > 4
    assert len(variables) > 1
    assert [page for page in sorted(pages) if not (ROOT / page).is_file()] == []
    assert [name for name in sorted(variables) if name not in PAGES] == []


def test_every_key_in_a_hint_exists() -> None:
    """Keys in the forms `(image: mirror)`, `image: {mirror: …}` and `tls.minimum`."""
    forms = (r"\((\w+): (\w+)\)", r"\b(\w+): \{(\w+):", r"(?<![\w./])(\w+)\.(\w+)\b(?!\.)")
    named = [(hint, *pair) for _, hint in HINTS for form in forms for pair in re.findall(form, hint)]
    of_sections = [each for each in named if each[1] in SECTIONS]
    assert len(of_sections) > 10
    assert [each for each in of_sections if each[2] not in hints.known_keys((each[1],))] == []
