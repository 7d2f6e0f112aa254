"""Bakes against each other, in turns: `make bench`, or `.venv/bin/python -m benchmarks.bake`, on a host that is idle.

    --only NAME,…   cold, settings, another, unchanged, packer, virt; all of them when left out
    --rounds N      three when left out
    --folder DIR    where they work; it needs 10 GiB
    --json FILE     every single time as well

Prints a Markdown table: seconds (median, worst), what share of the peers' medians that is, and the size of the disk as
a compressed qcow2. Times are of the clock; the host's load average at the beginning of each round is told, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.base import base
from benchmarks.contestants import ALL, Contestant

PEERS = ("packer", "virt")
MIB = 1 << 20


@dataclass
class Result:
    """Seconds of each round, and the disk's size in MiB when it is compressed."""

    name: str
    title: str
    seconds: list[float] = field(default_factory=list)
    mib: float = 0.0


def run(chosen: list[Contestant], rounds: int, folder: Path) -> tuple[list[Result], list[float]]:
    """Let them run in turns; the results, and the load average before each round."""
    results, loads = {each.name: Result(each.name, each.title) for each in chosen}, []
    for number in range(1, rounds + 1):
        loads.append(round(os.getloadavg()[0], 1))
        for each in chosen:
            with tempfile.TemporaryDirectory(dir=folder, prefix=f"{each.name}-") as place:
                seconds, mib = _one(each, Path(place))
            results[each.name].seconds.append(seconds)
            results[each.name].mib = mib
            print(f"round {number}: {each.title}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return list(results.values()), loads


def table(results: list[Result], loads: list[float]) -> str:
    """The results as Markdown."""
    peers = {each.name: median(each.seconds) for each in results if each.name in PEERS}
    heads = ["bake", "median", "worst", *(f"share of ({'ab'[PEERS.index(name)]})" for name in peers), "compressed"]
    rows = [heads, ["---"] * len(heads)]
    for each in results:
        middle = median(each.seconds)
        shares = [f"{middle / other:.2f}" for other in peers.values()]
        rows.append([each.title, f"{middle:.1f} s", f"{max(each.seconds):.1f} s", *shares, f"{each.mib:.0f} MiB"])
    rounds = max(len(each.seconds) for each in results)
    told = f"{rounds} round(s), load average of the host before each: {', '.join(map(str, loads))}"
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", f"{told}. The plain base is {compressed(base()):.0f} MiB."])


def compressed(disk: Path) -> float:
    """The size that the disk has as a qcow2 compressed with zstd, in MiB."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as place:
        packed = Path(place) / "packed.qcow2"
        options = ["-O", "qcow2", "-c", "-o", "compression_type=zstd"]
        subprocess.run(["qemu-img", "convert", *options, disk, packed], check=True)
        return packed.stat().st_size / MIB


def _one(each: Contestant, folder: Path) -> tuple[float, float]:
    each.prepare(folder)
    began = time.monotonic()
    disk = each.bake(folder)
    return round(time.monotonic() - began, 2), compressed(disk)


def main() -> None:
    """Run what was asked for, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.bake", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(each.name for each in ALL))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    names = asked.only.split(",")
    results, loads = run([each for each in ALL if each.name in names], asked.rounds, asked.folder)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")
    print(table(results, loads))


if __name__ == "__main__":
    main()
