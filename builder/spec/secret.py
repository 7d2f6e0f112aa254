"""Passwords that a spec names by their files, so that the spec itself can be shown to anybody."""

from __future__ import annotations

import re
from pathlib import Path

from builder.spec.certificates import read
from builder.spec.syntax import Unfit

PASSWORD = re.compile(r"[A-Za-z0-9._~+/=@%^,:-]{8,100}\Z")
"""What haproxy.cfg takes as one word, without quoting."""


def password(path: Path) -> str:
    """The first line of a file; raises Unfit, which never holds any of it."""
    first = read(path).decode(errors="replace").partition("\n")[0].strip()
    if not PASSWORD.match(first):
        raise Unfit(
            "holds no password that HAProxy's file can hold",
            "its first line must be 8 to 100 letters, digits or any of ._~+/=@%^,:-",
        )
    return first
