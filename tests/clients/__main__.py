"""Install the programs from the npm registry that judge what vipforge writes: `python -m tests.clients`.

Node.js and npm come with a wheel (tests/requirements.lock), because Debian's npm brings hundreds of packages.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.clients import FOLDER, NODE, NPM

SECONDS = 300


def main() -> int:
    """Install exactly what package-lock.json names; returns npm's exit code."""
    words = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}  # the certificates that apt and pip use, too
    return subprocess.run(
        words, cwd=FOLDER, env=environment, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False
    ).returncode


sys.exit(main())
