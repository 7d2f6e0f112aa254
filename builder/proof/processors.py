"""How busy the nodes' processors were meanwhile: a pair that stays where it is says little without it."""

from __future__ import annotations

from typing import NamedTuple

from builder.proof.pairs import Pair

IDLE, IOWAIT, LAST = 3, 4, 8
"""Columns of /proc/stat (proc(5)); those from the eighth on are counted in others already."""


class Ticks(NamedTuple):
    """Clock ticks of all processors since the start."""

    busy: int
    whole: int


def shares(pair: Pair) -> dict[str, float]:
    """The share of its processors' time that each node used while it was burdened, from 0 to 1."""
    counted = {name: pair.burdened(name) for name in pair.names}
    return {name: round(_share(read(begun), read(ended)), 3) for name, (begun, ended) in counted.items()}


def read(line: str) -> Ticks:
    """The first line of /proc/stat."""
    columns = [int(word) for word in line.split()[1 : LAST + 1]]
    return Ticks(sum(columns) - columns[IDLE] - columns[IOWAIT], sum(columns))


def _share(before: Ticks, after: Ticks) -> float:
    return (after.busy - before.busy) / max(1, after.whole - before.whole)
