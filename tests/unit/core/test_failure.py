"""The messages of failed commands: the cause comes first."""

from __future__ import annotations

import pytest

from builder.core import errors
from builder.core.run import contain

SCRIPT = "set -eu\n" + "a line of a long hook\n" * 30
MMDEBSTRAP = ["/usr/bin/mmdebstrap", "--variant=minbase", f"--customize-hook={SCRIPT}", "bookworm", "/work/root.tar"]


def test_the_message_begins_with_the_cause_and_ends_with_the_command() -> None:
    tail = ["Reading package lists...", "E: Unable to locate package no-such-package", "E: apt-get failed to run"]
    assert errors.failure_message(contain(MMDEBSTRAP), 25, tail).splitlines() == [
        "mmdebstrap failed with exit code 25: E: Unable to locate package no-such-package",
        *(f"    {line}" for line in tail),
        "    command: " + errors.shortened(contain(MMDEBSTRAP)),
    ]


def test_a_single_line_is_not_repeated() -> None:
    assert errors.failure_message(["false"], 1, ["no such machine", ""]) == (
        "false failed with exit code 1: no such machine\n    command: false"
    )


def test_a_command_without_output_is_still_named() -> None:
    assert errors.failure_message(["false"], 1, []) == "false failed with exit code 1\n    command: false"


def test_scripts_are_not_shown() -> None:
    shown = errors.shortened(MMDEBSTRAP)
    assert "a line of" not in shown
    assert "\n" not in shown
    assert shown == "/usr/bin/mmdebstrap --variant=minbase '--customize-hook=set -eu…' bookworm /work/root.tar"


def test_a_long_command_is_cut() -> None:
    shown = errors.shortened(["program", *("word" for _ in range(100))])
    assert shown.endswith("… (101 words)")
    assert len(shown) < 200


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (MMDEBSTRAP, "mmdebstrap"),
        (contain(MMDEBSTRAP), "mmdebstrap"),
        (contain(MMDEBSTRAP, network=False), "mmdebstrap"),
        (["unshare", "--mount"], "unshare"),
        (["sh", "-c"], "sh"),
        (["ssh", "-F", "config", "--", "lb1"], "ssh"),
    ],
)
def test_wrappers_are_not_taken_for_the_program(words: list[str], program: str) -> None:
    assert errors.program_name(words) == program


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["main.c:3:5: error: 'x' undeclared", "make: *** [main.o] Error 1"], "main.c:3:5: error: 'x' undeclared"),
        (["qemu-system-x86_64: -drive: Could not open 'x'"], "qemu-system-x86_64: -drive: Could not open 'x'"),
        (["fatal: not a git repository", "bye"], "fatal: not a git repository"),
        (["Error: Unable to find a match: x", "done"], "Error: Unable to find a match: x"),
        (["error.c:12:3: warning: unused", "the last line"], "the last line"),
        (["0 errors so far", "the last line", "", "  "], "the last line"),
        ([], ""),
    ],
)
def test_the_cause_is_the_first_error_line_or_the_last_line(lines: list[str], cause: str) -> None:
    assert errors.cause(lines) == cause
