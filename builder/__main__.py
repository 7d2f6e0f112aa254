"""`vipforge`, and `python -m builder`: the same command."""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 130
"""builder.core.errors.Exit.INTERRUPTED, which cannot be imported before an interrupt is taken care of."""


def main() -> NoReturn:
    """Run the command; an interrupt while Python still loads it ends it as one later does."""
    try:
        from builder.cli import main as run  # noqa: PLC0415 - loading it is what may be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
