"""Run a command in a fresh, bare root of a Debian release: `python3 -m tests.bare bookworm 'make image'`.

Run it as root, on Debian, from a checkout. The root gets a clone of the committed files, and the host's apt and pip
settings. It contains only what the README requires, so the project's own files have to install whatever else a command
needs. The host needs no Python package and no set-up.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.bare.root import bare_root

FAILED, LACKS, TIMED_OUT, INTERRUPTED = 1, 3, 4, 130


def main() -> int:
    """Run the commands; returns the exit code of the last one, or the code of what kept it from running."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bare", description="Run a command in a bare Debian root.")
    parser.add_argument("release", help="a release of Debian, such as bookworm")
    parser.add_argument("command", nargs="+", help="shell commands, run one after another until one fails")
    parser.add_argument("--minutes", type=float, default=30, help="time limit for each command")
    parser.add_argument("--place", type=Path, default=Path("/var/tmp/vipforge-bare"), help="where roots are made")
    options = parser.parse_args()
    if os.geteuid() != 0:
        return _fail("only root can make and enter a root: run this as root, or with sudo", LACKS)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell makes background commands ignore SIGINT
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(options)
    except subprocess.TimeoutExpired as timeout:
        return _fail(f"still running after {timeout.timeout / 60:g} min: {options.command}", TIMED_OUT)
    except (subprocess.CalledProcessError, OSError) as failure:
        return _fail(str(failure), FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)


def _run(options: argparse.Namespace) -> int:
    began = time.monotonic()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vipforge-bare"
    with bare_root(options.release, options.place, cache) as root:
        _say(f"{options.release}: a bare root made in {time.monotonic() - began:.0f} s")
        for command in options.command:
            began = time.monotonic()
            _say(f"{options.release}: {command}")
            code = root.run(command, minutes=options.minutes)
            _say(f"{options.release}: {command}: ended with code {code} after {time.monotonic() - began:.0f} s")
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
