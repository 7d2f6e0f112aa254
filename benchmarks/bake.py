"""Bakes against each other, in turns: `make bench`, or `.venv/bin/python -m benchmarks.bake`, on a host that is idle.

    --only NAME,…   base, cold, settings, another, unchanged, packer, virt; all of them when left out
    --rounds N      times that each of them shall have in the end; three when left out
    --times FILE    where every time is written as soon as it is measured; build/bakes.json when left out
    --table         run nothing, print the table of that file
    --folder DIR    where they work; it needs 10 GiB

What FILE has already is not run again: an interrupted run goes on where it was, and rounds may be spread over days.
Prints a Markdown table: seconds of the clock (median, worst), what share of the peers' medians that is, and the size
of the disk as a compressed qcow2 beside (a)'s and the plain base's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.contestants import ALL, ROOT, Contestant
from benchmarks.measured import Measured, Times, table

MIB = 1 << 20


def run(chosen: list[Contestant], rounds: int, folder: Path, times: Times) -> None:
    """Let them run in turns until each has so many times; every time is kept at once."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="vipforge-bench-") as place:
        for number in range(rounds):
            for each in chosen:
                if len(times.of(each.name)) <= number:
                    measured = _one(each, Path(place) / f"{each.name}-{number}")
                    times.keep(measured)
                    print(f"round {number + 1}: {each.title}: {measured.seconds:.1f} s", file=sys.stderr, flush=True)


def compressed(disk: Path) -> float:
    """The size that the disk has as a qcow2 compressed with zstd, in MiB."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as place:
        packed = Path(place) / "packed.qcow2"
        options = ["-O", "qcow2", "-c", "-o", "compression_type=zstd"]
        subprocess.run(["qemu-img", "convert", *options, disk, packed], check=True)
        return packed.stat().st_size / MIB


def _one(each: Contestant, folder: Path) -> Measured:
    folder.mkdir()
    each.prepare(folder)
    load, began = os.getloadavg()[0], time.monotonic()
    disk = each.bake(folder)
    seconds = time.monotonic() - began
    return Measured(each.name, round(seconds, 2), round(compressed(disk), 1), round(load, 1))


def main() -> None:
    """Run what was asked for and is not there yet, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.bake", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(each.name for each in ALL))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=Path, default=ROOT / "build" / "bakes.json")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    names = asked.only.split(",")
    unknown = {*names} - {each.name for each in ALL}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(each.name for each in ALL)}")
    times = Times(asked.times)
    try:
        if not asked.table:
            run([each for each in ALL if each.name in names], asked.rounds, asked.folder, times)
    finally:
        print(table(times, {each.name: each.title for each in ALL}))


if __name__ == "__main__":
    main()
