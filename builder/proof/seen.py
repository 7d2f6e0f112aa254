"""What the probes' program writes down, read while it runs and as a whole; times are CLOCK_MONOTONIC."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from builder.proof.model import Sample, Stall

ALL_PROBES = "all"
"""One program asks for all probes, so it is stalled with all of them."""


class Hold(NamedTuple):
    """A node begins to hold the VIP, or has ceased to."""

    at: float
    node: str
    holds: bool


class Line(NamedTuple):
    """A line of a node's log."""

    at: float
    node: str
    text: str


@dataclass
class Seen:
    """All that was seen up to now."""

    samples: list[Sample] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    garps: list[float] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def take(self, row: list[Any]) -> None:
        """Add one row of the record."""
        kind, *values = row
        takers: dict[str, Callable[[], None]] = {
            "sample": lambda: self.samples.append(Sample(*values)),
            "holds": lambda: self.holds.append(Hold(*values)),
            "garp": lambda: self.garps.append(values[0]),
            "stall": lambda: self.stalls.append(Stall(ALL_PROBES, *values)),
            "line": lambda: self.lines.append(Line(*values)),
        }
        takers[kind]()

    def holders(self) -> tuple[str, ...]:
        """The nodes that hold the VIP now."""
        now = {hold.node: hold.holds for hold in sorted(self.holds)}
        return tuple(sorted(node for node, holds in now.items() if holds))

    def last_change(self) -> float:
        """When the holders changed for the last time."""
        return max((hold.at for hold in self.holds), default=0.0)


class Feed:
    """A record that is still being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.seen = Seen()

    def read(self) -> Seen:
        """Take in the rows that are new; what is seen is all of them."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for row in whole.splitlines():
            self.seen.take(json.loads(row))
        return self.seen
