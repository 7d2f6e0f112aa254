"""The modules that a command imports: unnecessary ones would take longer than its work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from builder.core.paths import resources

QUICKSTART = resources("examples", "quickstart.yml")
HEAVY = {"cryptography", "cyclonedx", "filelock", "jinja2", "pycdlib", "pyVmomi", "qemu", "rich", "testinfra"}
LOAD = """
import sys
from builder.__main__ import main
try:
    main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def loaded(*words: str | Path) -> set[str]:
    """The modules that are loaded when the command has succeeded."""
    words = (sys.executable, "-c", LOAD, *words)
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return set(done.stderr.split())


@pytest.mark.real_subprocess
def test_help_loads_no_heavy_library() -> None:
    assert loaded("--help").isdisjoint(HEAVY | {"pydantic", "yaml", "email"})


@pytest.mark.real_subprocess
def test_check_loads_only_what_reads_a_spec() -> None:
    modules = loaded("check", QUICKSTART)
    assert {"pydantic", "yaml"} <= modules
    assert modules.isdisjoint(HEAVY)
