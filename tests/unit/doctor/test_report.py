"""The doctor's report: its formats and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder import doctor
from builder.core.errors import Exit
from builder.doctor import Finding
from builder.doctor.host import examine

SAMPLE = [
    Finding("Python", "ok", "3.11.2"),
    Finding("Packer", "lacks", "Packer is not installed", "apt-get install packer"),
    Finding("KVM", "note", "one line\nanother line"),
]


def test_the_table_lines_up_and_says_what_to_do() -> None:
    assert doctor.as_text(SAMPLE).splitlines() == [
        "ok     Python  3.11.2",
        "lacks  Packer  Packer is not installed",
        "               → apt-get install packer",
        "note   KVM     one line",
        "               another line",
    ]


def test_json_has_every_field() -> None:
    assert json.loads(doctor.as_json(SAMPLE))[1] == {
        "name": "Packer",
        "state": "lacks",
        "found": "Packer is not installed",
        "advice": "apt-get install packer",
    }


@pytest.mark.parametrize(("state", "code"), [("ok", Exit.OK), ("note", Exit.OK), ("lacks", Exit.HOST_LACKS)])
def test_only_what_is_lacking_changes_the_exit_code(state: str, code: Exit) -> None:
    assert doctor.exit_code([Finding("a", "ok", ""), Finding("b", state, "")]) == code


@pytest.mark.usefixtures("good_host")
def test_a_good_host_lacks_nothing() -> None:
    findings = examine()
    assert [each for each in findings if each.state == "lacks"] == []
    assert {"Python", "Packer", "QEMU", "qemu-img", "mmdebstrap", "namespaces", "packages", "KVM", "memory"} < {
        each.name for each in findings
    }


def test_a_host_without_apt_lacks_a_mirror(good_host: Path) -> None:
    (good_host / "sources.list").unlink()
    lacks = [each.name for each in examine() if each.state == "lacks"]
    assert lacks == ["Debian mirror"]
