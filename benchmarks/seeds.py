"""Measure the time and memory that seeds for 1,000 clusters of two nodes take in one call.

    .venv/bin/python -m benchmarks.seeds [NUMBER]

The targets are 20 s and constant memory, so the output includes what the second half adds to the peak.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import yaml

from builder.core.files import file_batch
from builder.guests import all_guests
from builder.seed.seed import write_seeds
from builder.spec.model import Cluster

EXAMPLE = Path(__file__).parents[1] / "examples" / "quickstart.yml"
SUBNETS = IPv4Address("10.0.0.0")
FACTS = all_guests()["debian12"]


def main() -> None:
    """Write the seeds and print the time and memory used."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        half = 0
        with file_batch() as files:
            for count, cluster in enumerate(clusters(number)):
                write_seeds(cluster, FACTS, Path(folder) / cluster.cluster, files)
                half = peak() if count == number // 2 else half
        seconds = time.monotonic() - began
    spent = f"{seconds:.1f} s, {time.process_time():.1f} s of a processor"
    print(f"{number} clusters: {spent}, {peak()} MiB at most, {peak() - half} MiB of it in the second half")


def clusters(number: int) -> Iterator[Cluster]:
    """Specs of clusters that differ in name and subnet."""
    data = yaml.safe_load(EXAMPLE.read_text())
    for count in range(number):
        subnet = SUBNETS + 256 * count
        data["cluster"] = f"cluster{count}"
        data["network"] |= {"gateway": str(subnet + 1), "dns": [str(subnet + 1)]}
        data["vrrp"]["vips"] = [str(subnet + 10)]
        for place, node in enumerate(data["nodes"]):
            node["address"] = str(subnet + 11 + place)
        yield Cluster.model_validate(data)


def peak() -> int:
    """The peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
