"""The entry point of `vipforge` and of `python -m builder`."""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 130
"""Same as builder.core.errors.Exit.INTERRUPTED; importing that could itself be interrupted."""


def main() -> NoReturn:
    """Run the command; an interrupt while its modules load exits like any later one, without a traceback."""
    try:
        from builder.cli import main as run  # noqa: PLC0415 - an interrupt may arrive during this import

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
