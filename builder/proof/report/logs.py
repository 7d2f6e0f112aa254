"""The part of a trial's logs that is worth a page: what was said around the fault, and not more than one reads."""

from __future__ import annotations

from typing import NamedTuple

from builder.proof.model import Trial
from builder.proof.report.clean import clean
from builder.proof.report.words import some

FIRST, LAST = 100, 50
"""Lines that are kept of a long log: of the fault, and of the end."""
LONGEST_LINE = 400


class Log(NamedTuple):
    """What one node said."""

    name: str
    text: str


def logs(trial: Trial) -> list[Log]:
    """The logs of a trial that say anything."""
    return [Log(name, _cut(clean(text))) for name, text in trial.logs.items() if text.strip()]


def _cut(text: str) -> str:
    lines = [_short(line) for line in text.strip("\n").split("\n")]
    over = len(lines) - FIRST - LAST
    if over > 0:
        lines[FIRST:-LAST] = [f"… {some(over, 'line')} left out; proof.json has them …"]
    return "\n".join(lines)


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"
