"""The shell that running nodes execute uses only options that CentOS 7's programs have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.core.paths import resources
from builder.faults.pairs import journal, vm
from builder.lab import status
from builder.verify.suite import node
from builder.verify.suite.answers import questions
from tests.specs import quickstart

OPTIONS = Path(__file__).parents[2] / "integration" / "el7" / "options"
GUARDED = {"cloud-init"}
"""The shell asks whether it has a subcommand before it uses it."""


def known_options() -> dict[str, set[str]]:
    """Return each program's options."""
    lines = (line.split(":") for line in OPTIONS.read_text().splitlines() if not line.startswith("#"))
    return {program: set(options.split()) for program, options in lines if program not in GUARDED}


def scripts() -> dict[str, str]:
    """Return every piece of shell that a running node executes, by name."""
    commands = questions(quickstart().nodes[0], ["/etc/haproxy/haproxy.cfg"])
    programs = resources("packer", "overlay", "common", "usr", "libexec", "vipforge")
    return {
        **{f"question {name}": command for name, command in commands.items()},
        **{path.name: path.read_text() for path in programs.iterdir() if path.suffix != ".j2"},
        "status": status.QUESTIONS,
        "journal": journal.SCRIPT,
        "versions": vm.VERSIONS,
        "listener": Path(node.__file__).read_text(),
    }


def unknown_options(text: str) -> list[str]:
    """Return every option in a piece of shell that its program does not have."""
    joined = text.replace("\\\n", " ")
    found = []
    for program, options in known_options().items():
        for words in re.findall(rf"(?<![\w./=-]){program} ([^;|&\n]*)", joined):
            used = re.findall(r"(?<!\S)(--[a-z][a-z-]*)", words)
            found += [f"{program} {option}" for option in used if option not in options]
    return found


@pytest.mark.parametrize("name", scripts())
def test_no_option_is_newer_than_the_programs_of_centos7(name: str) -> None:
    """An option that journalctl lacks makes a check fail on every node: --no-hostname came with systemd 230."""
    assert unknown_options(scripts()[name]) == []


def test_a_newer_option_would_be_found() -> None:
    assert unknown_options("x=1; journalctl -b \\\n --no-hostname | grep y") == ["journalctl --no-hostname"]
    assert unknown_options("if true; then systemctl enable --now x.service; fi") == ["systemctl --now"]
