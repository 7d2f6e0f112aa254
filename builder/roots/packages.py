"""Package lists: text files with one package a line, its name first and what it is for after it."""

from __future__ import annotations

from pathlib import Path


def names(path: Path) -> tuple[str, ...]:
    """The package names in a list, in its order; `#` begins a comment."""
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return tuple(words[0] for words in lines if words)
