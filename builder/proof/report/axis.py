"""From seconds to places on a figure's time axis, and where its numbers stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

WIDTH = 1000.0
"""The plot's own unit: it is stretched to the page, so a place is a share of this."""
MOST_TICKS = 5
"""So many numbers fit beside one another on a phone."""


@dataclass(frozen=True)
class Axis:
    """A window of a trial; all times in seconds from the trial's start."""

    start: float
    end: float
    zero: float
    """The moment that the axis calls 0."""

    def place(self, at: float) -> float:
        """Where a moment is, 0 to WIDTH; what lies outside is at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return WIDTH * min(1.0, max(0.0, share))

    def shows(self, start: float, end: float) -> bool:
        """Whether any of a time is in the window."""
        return end >= self.start and start <= self.end

    def ticks(self) -> list[tuple[float, str]]:
        """Places and their numbers."""
        step = step_for(self.end - self.start, MOST_TICKS)
        first = math.ceil((self.start - self.zero) / step - 1e-9)
        last = math.floor((self.end - self.zero) / step + 1e-9)
        return [(self.place(self.zero + number * step), label(number * step)) for number in range(first, last + 1)]


def step_for(length: float, most: int) -> float:
    """The least of 1, 2, 5, 10, … (or parts of 1) that divides a length into `most` parts at most."""
    power: float = 10 ** math.floor(math.log10(length / most))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor * most >= length)


def label(value: float) -> str:
    """A number of the axis, with a real minus."""
    return f"{round(value, 6):g} s".replace("-", "\N{MINUS SIGN}")
