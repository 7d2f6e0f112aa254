"""Commands for a node, run as the sshd of CentOS 7 runs them: with no sbin folder on PATH."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.core import remote
from builder.core.run import Completed, run

pytestmark = pytest.mark.real_subprocess

BUILDER = Path(remote.__file__).parents[1]
SESSION = "PATH=/usr/local/bin:/usr/bin"
ONLY_IN_SBIN = "mke2fs"


def session(words: str, stdin: str = "", path: str = SESSION) -> Completed:
    return run(["env", "-i", path, "sh", "-c", words], timeout=10, stdin=stdin, check=False)


def test_such_a_session_does_not_find_programs_in_sbin() -> None:
    assert session(f"command -v {ONLY_IN_SBIN}").code != 0


def test_a_command_finds_programs_in_sbin() -> None:
    assert session(remote.command(f"command -v {ONLY_IN_SBIN}")).out.endswith(f"sbin/{ONLY_IN_SBIN}\n")


def test_a_script_finds_programs_in_sbin() -> None:
    assert session(remote.shell(), f"command -v {ONLY_IN_SBIN}").out.endswith(f"sbin/{ONLY_IN_SBIN}\n")


def test_a_command_keeps_its_quotes_and_its_stdin() -> None:
    assert session(remote.command("""printf '%s\\n' "it's" && cat"""), "from stdin").out == "it's\nfrom stdin"


def test_root_gets_the_same_path_whatever_sudo_sets(tmp_path: Path) -> None:
    """Red Hat's `secure_path` has no /usr/local."""
    (tmp_path / "sudo").write_text('#!/bin/sh\nshift\nPATH=/sbin:/bin:/usr/sbin:/usr/bin exec "$@"\n')
    (tmp_path / "sudo").chmod(0o755)
    expected = session(remote.command("echo $PATH")).out
    assert "/usr/local/sbin" in expected
    assert session(remote.command("echo $PATH", root=True), path=f"{SESSION}:{tmp_path}").out == expected
    assert session(remote.shell(root=True), "echo $PATH", path=f"{SESSION}:{tmp_path}").out == expected


def test_no_other_module_composes_commands_for_a_node() -> None:
    """A command composed elsewhere would depend on the PATH that the node's sshd and sudo set."""
    by_hand = re.compile(r'"sudo", |sudo -n (?!journalctl)|sh -s\b')
    texts = {path: path.read_text() for path in BUILDER.rglob("*.py") if path != Path(remote.__file__)}
    assert [path for path, text in texts.items() if by_hand.search(text)] == []
