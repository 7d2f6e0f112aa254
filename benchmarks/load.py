"""Whether a pair stays where it is while its nodes have no processor to spare: `python -m benchmarks.load`, as root.

    .venv/bin/python -m benchmarks.load [--minutes 10] [--profiles standard,fast]

A busy loop for each processor runs on each node of examples/PROFILE.yml in namespaces, one pair after the other. It
prints the moves of the VIP and what clients felt, and ends with code 1 if a VIP moved.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from builder.core.progress import step
from builder.faults import analysis
from builder.faults.analysis import Observations
from builder.faults.campaign import GUEST, keepalived_of
from builder.faults.pairs.netns import served
from builder.faults.watch import Pace, watching
from builder.lab import netns
from builder.spec.load import load

EXAMPLES = Path(__file__).parents[1] / "examples"
PACE = Pace(rate=0.05)


def main() -> None:
    """Burden each pair, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--profiles", default="standard,fast")
    asked = parser.parse_args()
    moved = 0
    for profile in asked.profiles.split(","):
        with step(f"{profile}: all processors busy for {asked.minutes:g} min"):
            seen, loads = _burdened(profile, asked.minutes * 60)
        moves = sum(hold.holds for hold in seen.holds) - 1
        moved += moves
        print(
            f"{profile}: {moves} moves of the VIP; {_felt(seen)}; load average {loads:.1f}, {len(seen.stalls)} stalls"
        )
    sys.exit(1 if moved else 0)


def _burdened(profile: str, seconds: float) -> tuple[Observations, float]:
    """What was seen of a pair under load, and the host's load average at the end of it."""
    cluster = load(EXAMPLES / f"{profile}.yml")
    with tempfile.TemporaryDirectory() as state:
        os.environ["VIPFORGE_STATE"] = state
        version, build = keepalived_of(cluster)
        with netns.pair(cluster, GUEST, version, build) as running:
            pair = served(running)
            with watching(pair, PACE) as watch:
                for name in pair.names:
                    pair.burden(name, seconds)
                time.sleep(seconds)
                loads = os.getloadavg()[0]
                return watch.finish(), loads


def _felt(seen: Observations) -> str:
    """The requests over HTTP that were not answered in time, and how long the others took."""
    asked = [sample for sample in seen.samples if sample.probe == "http"]
    good = sorted(sample.latency for sample in asked if analysis.is_good(sample))
    typical, slow = good[len(good) // 2], good[int(len(good) * 0.99)]
    return f"{len(asked) - len(good)} of {len(asked)} requests lost, median {typical:.3f} s, 99 % within {slow:.3f} s"


if __name__ == "__main__":
    main()
