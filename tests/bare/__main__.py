"""Run a command in a fresh, bare root of a Debian release: `python3 -m tests.bare bookworm 'make image'`.

As root, on Debian, from a checkout: the root gets a clone of what is committed, and the host's apt and pip settings.
It has no more than what the README asks for, so that what a command needs beyond that must be installed by the
project's own files. Needs no package of Python's: nothing is set up on the host before this.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.bare.root import made

FAILED, LACKS, TIMED_OUT, INTERRUPTED = 1, 3, 4, 130


def main() -> int:
    """The exit code of the command, or what kept it from running."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bare", description="Run a command in a bare Debian root.")
    parser.add_argument("release", help="a release of Debian, such as bookworm")
    parser.add_argument("command", nargs="+", help="shell commands, run one after the other until one fails")
    parser.add_argument("--minutes", type=float, default=30, help="how long each may take")
    parser.add_argument("--place", type=Path, default=Path("/var/tmp/vipforge-bare"), help="where roots are made")
    asked = parser.parse_args()
    if os.geteuid() != 0:
        return _fail("roots are made and entered as root only: run this as root, or with sudo", LACKS)
    for ending in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
    ):  # a shell lets what it starts beside it ignore SIGINT
        signal.signal(ending, signal.default_int_handler)
    try:
        return _run(asked)
    except subprocess.TimeoutExpired as late:
        return _fail(f"still running after {late.timeout / 60:g} min: {asked.command}", TIMED_OUT)
    except (subprocess.CalledProcessError, OSError) as failure:
        return _fail(str(failure), FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)


def _run(asked: argparse.Namespace) -> int:
    began = time.monotonic()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vipforge-bare"
    with made(asked.release, asked.place, cache) as root:
        _say(f"{asked.release}: a bare root made in {time.monotonic() - began:.0f} s")
        for command in asked.command:
            began = time.monotonic()
            _say(f"{asked.release}: {command}")
            code = root.run(command, minutes=asked.minutes)
            _say(f"{asked.release}: {command}: ended with code {code} after {time.monotonic() - began:.0f} s")
            if code:
                return code
    return 0


def _say(text: str) -> None:
    print(f"=== {text}", file=sys.stderr, flush=True)


def _fail(text: str, code: int) -> int:
    print(f"error: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
