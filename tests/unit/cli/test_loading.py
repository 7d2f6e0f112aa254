"""What a command loads before it has anything to do: modules that it can do without cost more than its own work."""

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
    """The modules that are loaded when the command has ended well."""
    words = (sys.executable, "-c", LOAD, *words)
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return set(done.stderr.split())


@pytest.mark.real_subprocess
def test_help_loads_no_library_but_the_one_for_commands() -> None:
    assert loaded("--help").isdisjoint(HEAVY | {"pydantic", "yaml", "email"})


@pytest.mark.real_subprocess
def test_check_loads_what_reads_a_spec_and_no_more() -> None:
    modules = loaded("check", QUICKSTART)
    assert {"pydantic", "yaml"} <= modules
    assert modules.isdisjoint(HEAVY)
