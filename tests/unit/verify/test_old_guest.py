"""What running nodes are asked and told, in the options that CentOS 7's programs know."""

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
"""Asked for what it can do before it is asked to do it."""


def known() -> dict[str, set[str]]:
    """Program to its options."""
    lines = (line.split(":") for line in OPTIONS.read_text().splitlines() if not line.startswith("#"))
    return {program: set(options.split()) for program, options in lines if program not in GUARDED}


def told() -> dict[str, str]:
    """Every piece of shell that a running node is given, by its name."""
    asked = questions(quickstart().nodes[0], ["/etc/haproxy/haproxy.cfg"])
    programs = resources("packer", "overlay", "common", "usr", "libexec", "vipforge")
    return {
        **{f"question {name}": command for name, command in asked.items()},
        **{path.name: path.read_text() for path in programs.iterdir() if path.suffix != ".j2"},
        "survey": status.QUESTIONS,
        "journal": journal.SCRIPT,
        "versions": vm.VERSIONS,
        "listener": Path(node.__file__).read_text(),
    }


def strange(text: str) -> list[str]:
    """Every option in a piece of shell that its program lacks."""
    joined = text.replace("\\\n", " ")
    found = []
    for program, options in known().items():
        for words in re.findall(rf"(?<![\w./=-]){program} ([^;|&\n]*)", joined):
            used = re.findall(r"(?<!\S)(--[a-z][a-z-]*)", words)
            found += [f"{program} {option}" for option in used if option not in options]
    return found


@pytest.mark.parametrize("name", told())
def test_no_option_is_newer_than_the_programs_of_centos7(name: str) -> None:
    """One option that journalctl lacks, and a check fails on every node: --no-hostname came with systemd 230."""
    assert strange(told()[name]) == []


def test_a_newer_option_would_be_found() -> None:
    assert strange("x=1; journalctl -b \\\n --no-hostname | grep y") == ["journalctl --no-hostname"]
    assert strange("if true; then systemctl enable --now x.service; fi") == ["systemctl --now"]
