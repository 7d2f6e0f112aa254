"""The commands in the documentation: vipforge understands each of them, and those that need no machine are run."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer

from builder import cli
from tests import examples

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
INLINE = re.compile(r"`((?:\.venv/bin/)?vipforge [^`]+)`")
COMMAND = re.compile(r"(?:^|[;&|] |\$ )(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?vipforge ([^;&|>#]+)")
IN_LIST = re.compile(r"[-*] |[0-9]+\. | ")
ENDS = re.compile(r"  +(?=\S)|[.,]$")
"""Where a command ends and the words about it begin."""
PLACEHOLDER = re.compile(r"…|\b[A-Z]{3,}\b|\[|\.\.\.")
HERE = {"init", "check", "schema", "render", "seed", "transports", "scenarios", "cache"}
"""Commands that need neither a network nor a machine."""


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it."""

    page: str
    line: str
    in_block: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"

    def words(self) -> list[str]:
        """Its arguments."""
        return shlex.split(self.line)

    @property
    def is_pattern(self) -> bool:
        """Whether a word stands for the user's own."""
        return PLACEHOLDER.search(self.line) is not None


def block_lines(text: str) -> list[str]:
    """The lines between fences, and the indented lines that do not belong to a list."""
    lines, is_fenced, above = [], False, ""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or (line.startswith("    ") and not IN_LIST.match(above)):
            lines.append(line)
        elif line:
            above = line
    return lines


def shown() -> list[Shown]:
    """Every command of vipforge that a page shows."""
    found = {}
    for page in PAGES:
        text = page.read_text()
        for lines, in_block in ((INLINE.findall(text), False), (block_lines(text), True)):
            for command in (command for line in lines for command in COMMAND.findall(line.strip())):
                words = ENDS.split(command.strip())[0]
                found[page.name, words] = Shown(page.name, words, in_block)
    return list(found.values())


def app() -> Any:
    """The command line as typer's own copy of click understands it."""
    application = typer.Typer()
    application.callback()(cli.options)
    for name in cli.MODULES:
        import_module(f"builder.cli.{name}").register(application)
    return typer.main.get_command(application)


APP = app()
COMMANDS = shown()
RUN = [each for each in COMMANDS if each.in_block and each.words()[0] in HERE and not each.is_pattern]


def test_the_pages_show_commands() -> None:
    assert len(COMMANDS) > 80
    assert len(RUN) > 8


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_the_command_exists_with_its_options(command: Shown) -> None:
    words, current = command.words(), APP
    while words and words[0] in getattr(current, "commands", {}):
        current, words = current.commands[words[0]], words[1:]
    is_group = hasattr(current, "commands")
    assert not is_group or not words or words[0].startswith(("-", "…")) or "…" in words, "there is no such command"
    if is_group and "…" in words:
        return
    known = {option for parameter in current.params for option in parameter.opts} | {"--help"}
    assert {word.split("=")[0] for word in words if word.startswith("--") and word != "--"} <= known
    if not is_group and not command.is_pattern and len(words) > 1:
        current.make_parser(current.context_class(current)).parse_args(words)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which commands run, with the examples and the files that they name."""
    for name in examples.names():
        examples.with_files(name, tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for name in ("cache", "state", "build"):
        monkeypatch.setenv(f"VIPFORGE_{name.upper()}", str(tmp_path / name))
    return tmp_path


@pytest.mark.parametrize("command", RUN, ids=str)
@pytest.mark.real_subprocess  # render asks Packer for its version
@pytest.mark.usefixtures("checkout")
def test_the_command_works_as_printed(command: Shown) -> None:
    """The page's own `init` comes first; a page without one has its spec by then."""
    starts = [each.words() for each in RUN if (each.page, each.words()[0]) == (command.page, "init")]
    if command.words()[0] == "init":
        starts = []
    elif ["init", "cluster.yml"] not in starts:
        starts += [["init", "cluster.yml"]]
    for words in (*starts, command.words()):
        with pytest.raises(SystemExit) as ended, mock.patch("sys.argv", ["vipforge", *words]):
            cli.main()
        assert ended.value.code in {0, None}, words
