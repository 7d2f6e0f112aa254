"""Files that grow: the daemons' logs, read as they are written, so that each line gets a time of the probes' clock."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import BinaryIO

from builder.proof.probes.record import Record


class Tail:
    """One growing file of one node, from its present end on; it need not be there yet."""

    def __init__(self, path: Path, node: str, record: Record) -> None:
        self._path = path
        self._node = node
        self._record = record
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        if self._file:
            self._file.seek(0, 2)
        self._begun = b""

    def take(self) -> None:
        """Note the lines that are new."""
        if self._file is None and self._path.exists():
            self._file = self._path.open("rb")
        if self._file is None:
            return
        *lines, self._begun = (self._begun + self._file.read()).split(b"\n")
        for line in lines:
            self._record.line(monotonic(), self._node, line.decode(errors="replace"))
