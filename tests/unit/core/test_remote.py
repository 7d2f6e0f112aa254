"""Commands for a node, run as the sshd of CentOS 7 runs them: without any sbin folder on PATH."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.core import remote
from builder.core.run import Completed, run

pytestmark = pytest.mark.real_subprocess

BUILDER = Path(remote.__file__).parent
SESSION = "PATH=/usr/local/bin:/usr/bin"
ONLY_IN_SBIN = "mke2fs"


def session(words: str, stdin: str = "", path: str = SESSION) -> Completed:
    return run(["env", "-i", path, "sh", "-c", words], timeout=10, stdin=stdin, check=False)


def test_such_a_session_finds_no_program_of_sbin() -> None:
    assert session(f"command -v {ONLY_IN_SBIN}").code != 0


def test_a_command_finds_it() -> None:
    assert session(remote.command(f"command -v {ONLY_IN_SBIN}")).out.endswith(f"sbin/{ONLY_IN_SBIN}\n")


def test_a_script_finds_it() -> None:
    assert session(remote.shell(), f"command -v {ONLY_IN_SBIN}").out.endswith(f"sbin/{ONLY_IN_SBIN}\n")


def test_a_command_keeps_its_quotes_and_its_stdin() -> None:
    assert session(remote.command("""printf '%s\\n' "it's" && cat"""), "from stdin").out == "it's\nfrom stdin"


def test_root_gets_the_same_path_whatever_sudo_gives(tmp_path: Path) -> None:
    """Red Hat's `secure_path` has no /usr/local."""
    (tmp_path / "sudo").write_text('#!/bin/sh\nshift\nPATH=/sbin:/bin:/usr/sbin:/usr/bin exec "$@"\n')
    (tmp_path / "sudo").chmod(0o755)
    wanted = session(remote.command("echo $PATH")).out
    assert "/usr/local/sbin" in wanted
    assert session(remote.command("echo $PATH", root=True), path=f"{SESSION}:{tmp_path}").out == wanted
    assert session(remote.shell(root=True), "echo $PATH", path=f"{SESSION}:{tmp_path}").out == wanted


def test_no_other_module_puts_words_for_a_node_together() -> None:
    """Whatever reaches a node goes through here, or it depends on what its sshd and sudo take PATH to be."""
    by_hand = re.compile(r'"sudo", |sudo -n (?!journalctl)|sh -s\b')
    texts = {path: path.read_text() for path in BUILDER.rglob("*.py") if path != BUILDER / "remote.py"}
    found = [path for path, text in texts.items() if by_hand.search(text)]
    assert found == []
