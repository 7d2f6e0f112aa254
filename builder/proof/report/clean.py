"""Words that others wrote (logs, names) made fit for a page: without control characters and half characters."""

from __future__ import annotations

import re
import unicodedata

ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
"""A terminal's commands (ECMA-48): colours and the like, whose letters would stay behind."""
UNWANTED = frozenset({"Cc", "Cf", "Cs", "Cn"})
"""Unicode's categories of control and format characters (text that runs backwards), surrogates, and no characters."""
KEPT = "\n\t"


def clean(text: str) -> str:
    """The same text with nothing in it that is not to be read."""
    plain = ESCAPE_SEQUENCE.sub("", text)
    if plain.isascii() and plain.isprintable():
        return plain
    return "".join(each for each in plain if each in KEPT or unicodedata.category(each) not in UNWANTED)
