"""Check that the VIP stays while all processors of both nodes are busy: `python -m benchmarks.load`, as root.

    .venv/bin/python -m benchmarks.load [--minutes 10] [--profiles standard,fast]

One busy loop per processor runs on each node of examples/PROFILE.yml in namespaces, one pair after the other. The
output shows the moves of the VIP and the delays for clients; the exit code is 1 if a VIP moved.
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
from builder.faults.campaign import GUEST, available_keepalived
from builder.faults.pairs.netns import serving_pair
from builder.faults.watch import Pace, watching
from builder.lab import netns
from builder.spec.load import load

EXAMPLES = Path(__file__).parents[1] / "examples"
PACE = Pace(rate=0.05)


def main() -> None:
    """Load each pair and print the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--profiles", default="standard,fast")
    arguments = parser.parse_args()
    moved = 0
    for profile in arguments.profiles.split(","):
        with step(f"{profile}: all processors busy for {arguments.minutes:g} min"):
            observations, average = _under_load(profile, arguments.minutes * 60)
        moves = sum(hold.holds for hold in observations.holds) - 1
        moved += moves
        stalls = len(observations.stalls)
        print(
            f"{profile}: {moves} moves of the VIP; {_delays(observations)}; "
            f"load average {average:.1f}, {stalls} stalls"
        )
    sys.exit(1 if moved else 0)


def _under_load(profile: str, seconds: float) -> tuple[Observations, float]:
    """The observations of a pair under load, and the host's load average at the end."""
    cluster = load(EXAMPLES / f"{profile}.yml")
    with tempfile.TemporaryDirectory() as state:
        os.environ["VIPFORGE_STATE"] = state
        version, build = available_keepalived(cluster)
        with netns.pair(cluster, GUEST, version, build) as running:
            pair = serving_pair(running)
            with watching(pair, PACE) as watch:
                for name in pair.names:
                    pair.load_cpu(name, seconds)
                time.sleep(seconds)
                average = os.getloadavg()[0]
                return watch.finish(), average


def _delays(observations: Observations) -> str:
    """How many HTTP requests were not answered in time, and how long the others took."""
    requests = [sample for sample in observations.samples if sample.probe == "http"]
    good = sorted(sample.latency for sample in requests if analysis.is_good(sample))
    typical, slow = good[len(good) // 2], good[int(len(good) * 0.99)]
    lost = f"{len(requests) - len(good)} of {len(requests)} requests lost"
    return f"{lost}, median {typical:.3f} s, 99 % within {slow:.3f} s"


if __name__ == "__main__":
    main()
