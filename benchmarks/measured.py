"""The results of the benchmark of bakes: stored in a file that survives an interrupted run, and shown in a table."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from builder.core.files import write_atomic

BASE = "base"
PEERS = {"packer": "(a)", "virt": "(b)"}
NONE = "-"


@dataclass(frozen=True)
class Measured:
    """One bake: elapsed seconds, the compressed size of the disk in MiB, and the host's load average before it."""

    name: str
    seconds: float
    mib: float
    load: float
    day: str = field(default_factory=lambda: time.strftime("%Y-%m-%d"))


class Times:
    """The results so far, stored in the file `path`, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all = [Measured(**each) for each in json.loads(path.read_text())] if path.exists() else []

    def keep(self, measured: Measured) -> None:
        """Add a result and write the file."""
        self.all.append(measured)
        write_atomic(self.path, json.dumps([asdict(each) for each in self.all], indent=1) + "\n")

    def of(self, name: str) -> list[Measured]:
        """All results of one contestant."""
        return [each for each in self.all if each.name == name]

    def seconds(self, name: str) -> float | None:
        """The median of a contestant's times; None if it has no results."""
        return median(each.seconds for each in self.of(name)) if self.of(name) else None

    def mib(self, name: str) -> float | None:
        """The median of a contestant's sizes; None if it has no results."""
        return median(each.mib for each in self.of(name)) if self.of(name) else None


def table(times: Times, titles: Mapping[str, str]) -> str:
    """The results as Markdown, in the order of `titles`; a contestant without results has no row."""
    shares = [f"time of {letter}" for letter in PEERS.values()]
    heads = ["bake", "rounds", "median", "worst", *shares, "compressed", "size of (a)", "size of the base"]
    rows = [heads, ["---"] * len(heads)]
    rows += [_row(times, name, title) for name, title in titles.items() if times.of(name)]
    return "\n".join([*("| " + " | ".join(row) + " |" for row in rows), *_when(times)])


def _row(times: Times, name: str, title: str) -> list[str]:
    results = times.of(name)
    middle, size = median(each.seconds for each in results), median(each.mib for each in results)
    sizes = [f"{size:.0f} MiB", _share(size, times.mib("packer")), _share(size, times.mib(BASE))]
    if name == BASE:  # it exists before the measurement; only its size counts
        return [title, NONE, NONE, NONE, *(NONE for _ in PEERS), *sizes]
    worst = max(each.seconds for each in results)
    shares = [_share(middle, times.seconds(peer)) for peer in PEERS]
    return [title, str(len(results)), f"{middle:.1f} s", f"{worst:.1f} s", *shares, *sizes]


def _share(value: float, other: float | None) -> str:
    return f"{value / other:.3f}" if other else NONE


def _when(times: Times) -> Iterator[str]:
    if not times.all:
        return
    days, loads = sorted({each.day for each in times.all}), [each.load for each in times.all]
    yield ""
    yield f"Measured on {' and '.join(days)}; load average before each bake {min(loads):g} to {max(loads):g}."
