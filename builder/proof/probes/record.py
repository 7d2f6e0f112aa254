"""What the probes saw, one JSON list a line: its kind, its time, the rest."""

from __future__ import annotations

import json
from pathlib import Path


class Record:
    """Writes lines to a file; they reach it when `flush` is called. Times are CLOCK_MONOTONIC, in seconds."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def sample(self, at: float, probe: str, node: str, answered: float, fault: str) -> None:
        """A question that was sent `at`, and its end at `answered`; `fault` is empty where it went well."""
        self._write("sample", round(at, 6), probe, not fault, node, round(answered - at, 6), fault)

    def holds(self, at: float, node: str, *, holds: bool) -> None:
        """A node begins to hold the VIP, or has ceased to."""
        self._write("holds", round(at, 6), node, holds)

    def garp(self, at: float, node: str) -> None:
        """A gratuitous ARP, or an unsolicited neighbour advertisement, for the VIP came from a node."""
        self._write("garp", round(at, 6), node)

    def line(self, at: float, node: str, text: str) -> None:
        """A line that a node's daemon wrote to its log."""
        self._write("line", round(at, 6), node, text)

    def stall(self, due: float, at: float) -> None:
        """We were to ask at `due`, and were not run before `at`."""
        self._write("stall", round(due, 6), round(at, 6))

    def flush(self) -> None:
        """Make everything readable for others."""
        self._file.flush()

    def _write(self, *words: object) -> None:
        self._file.write(json.dumps(words) + "\n")
