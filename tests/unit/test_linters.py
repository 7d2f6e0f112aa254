"""The linters run as tests, so that `make test` checks everything."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LONGEST_FILE = 300

pytestmark = pytest.mark.real_subprocess


def lint(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]


def shell_scripts() -> list[Path]:
    scripts = [
        path for path in tracked("builder", "packer", "scripts", "tests", "benchmarks") if not path.is_symlink()
    ]
    return [path for path in scripts if path.read_bytes().startswith((b"#!/bin/sh\n", b"#! /bin/sh\n"))]


def test_ruff_check() -> None:
    lint(BIN / "ruff", "check", "builder", "tests", "benchmarks")


def test_ruff_format() -> None:
    lint(BIN / "ruff", "format", "--check", "builder", "tests", "benchmarks")


def test_mypy() -> None:
    lint(BIN / "mypy")


def test_import_linter() -> None:
    lint(BIN / "lint-imports")


def test_shellcheck() -> None:
    scripts = shell_scripts()
    assert len(scripts) > 5
    lint(BIN / "shellcheck", "-s", "sh", *scripts)


def test_shellcheck_of_bash() -> None:
    scripts = [path for path in tracked("packer", "tests") if path.read_bytes().startswith(b"#!/bin/bash\n")]
    assert scripts
    lint(BIN / "shellcheck", "-s", "bash", *scripts)


@pytest.mark.parametrize("path", tracked("*.py", "*.sh"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


UNPACKING = {(name, "filter") for name in ("extract", "extractall", "unpack_archive")}
PATCH_RELEASES = {*UNPACKING, ("getaddresses", "strict"), ("parseaddr", "strict")}
"""Arguments, by function name, that a patch release of Python 3.11 added and that 3.11.2 in Debian 12 lacks.

Linters do not distinguish patch releases. .ci/run, which uses bare roots, finds others.
"""


@pytest.mark.parametrize("path", tracked("*.py"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_argument_needs_a_later_patch_release_of_python(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    used = {(getattr(call.func, "attr", ""), word.arg) for call in calls for word in call.keywords}
    assert used & PATCH_RELEASES == set()


def test_no_package_registry_is_named() -> None:
    """Mirrors are read from the host or the spec; none is hard-coded."""
    hosts = re.compile(r"\b(deb|security|ftp\.[a-z]+)\.debian\." + r"org|pypi\." + r"org|pythonhosted\." + r"org")
    texts = {path: path.read_text(errors="ignore") for path in tracked(".")}
    assert [str(path) for path, text in texts.items() if hosts.search(text)] == []
