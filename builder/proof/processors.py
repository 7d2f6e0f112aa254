"""How busy the nodes' processors were meanwhile: a pair that stays where it is says little without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from builder.proof.pairs import Pair

IDLE, IOWAIT, LAST = 3, 4, 8
"""Columns of /proc/stat (proc(5)); those from the eighth on are counted in others already."""


class Ticks(NamedTuple):
    """Clock ticks of all processors since the start."""

    busy: int
    whole: int


def ticks(pair: Pair) -> dict[str, Ticks]:
    """What each node's kernel has counted."""
    return {name: read(pair.shell(name, "head -n 1 /proc/stat")) for name in pair.names}


def read(line: str) -> Ticks:
    """The first line of /proc/stat."""
    columns = [int(word) for word in line.split()[1 : LAST + 1]]
    return Ticks(sum(columns) - columns[IDLE] - columns[IOWAIT], sum(columns))


def shares(before: Mapping[str, Ticks], after: Mapping[str, Ticks]) -> dict[str, float]:
    """The share of its processors' time that each node has used, from 0 to 1."""
    return {name: round(_share(before[name], now), 3) for name, now in after.items()}


def _share(before: Ticks, after: Ticks) -> float:
    return (after.busy - before.busy) / max(1, after.whole - before.whole)
