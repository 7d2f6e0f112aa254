"""Compare bakes, in turns: run `make bench` or `.venv/bin/python -m benchmarks.bake` on an idle host.

    --only NAME,…   base, cold, settings, another, unchanged, packer, virt; the default is all of them
    --rounds N      how many results each of them should have in the end; the default is three
    --times FILE    the file to which every time is written as soon as it is measured; default: build/bakes.json
    --table         run nothing and print the table of that file
    --folder DIR    the working folder, which requires 10 GiB

Results that are in FILE are not measured again, so an interrupted run can be resumed and rounds can be collected over
several days. The output is a Markdown table: elapsed seconds (median and worst), their ratio to the peers' medians,
and the size of the disk as a compressed qcow2, compared with (a)'s and the plain base's.
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
    """Run the contestants in turns until each has enough results; every result is saved immediately."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="vipforge-bench-") as place:
        for number in range(rounds):
            for each in chosen:
                if len(times.of(each.name)) <= number:
                    measured = _one(each, Path(place) / f"{each.name}-{number}")
                    times.keep(measured)
                    print(f"round {number + 1}: {each.title}: {measured.seconds:.1f} s", file=sys.stderr, flush=True)


def compressed(disk: Path) -> float:
    """The size of the disk as a qcow2 compressed with zstd, in MiB."""
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
    """Measure the missing results and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.bake", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(each.name for each in ALL))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=Path, default=ROOT / "build" / "bakes.json")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    unknown = {*names} - {each.name for each in ALL}
    if unknown:
        known = ", ".join(each.name for each in ALL)
        parser.error(f"unknown name: {', '.join(sorted(unknown))}; known names: {known}")
    times = Times(arguments.times)
    try:
        if not arguments.table:
            run([each for each in ALL if each.name in names], arguments.rounds, arguments.folder, times)
    finally:
        print(table(times, {each.name: each.title for each in ALL}))


if __name__ == "__main__":
    main()
