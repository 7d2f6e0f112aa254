"""Validation of XML with the schemas in tests/schemas, by xmllint."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCHEMAS = Path(__file__).parent / "schemas"


def errors(schema: str, text: str | bytes) -> str:
    """Return what xmllint reports; empty for a valid text."""
    command = ["xmllint", "--noout", "--relaxng", SCHEMAS / f"{schema}.rng", "-"]
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(command, input=data, capture_output=True)
    return done.stderr.decode() if done.returncode else ""
