"""Time `vipforge check` and `vipforge render` for a spec with 1,000 services with 5 servers each.

    .venv/bin/python -m benchmarks.many_services [--services 1000] [--servers 5] [--rounds 3] [--json]

Each round runs both commands as users do, in separate processes. The target is at most 5 s for each.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "quickstart.yml"
COMMANDS = ("check", "render")
FIRST_PORT = 10_000
FIRST_SERVER = IPv4Address("10.20.0.1")
LIMIT = 5.0
"""Seconds for each command."""


@dataclass(frozen=True)
class Duration:
    """The duration of one run of a command, in seconds."""

    wall: float
    processor: float


def spec(services: int, servers: int) -> str:
    """The quickstart's cluster with many services, each with a check and its own servers."""
    head, _, _ = EXAMPLE.read_text().partition("services:")
    return "\n".join([head, "services:", *(_service(number, servers) for number in range(services)), ""])


def _service(number: int, servers: int) -> str:
    lines = [f"  - name: s{number}", f"    port: {FIRST_PORT + number}", "    check: {path: /health}", "    servers:"]
    for place in range(servers):
        address = FIRST_SERVER + number * servers + place
        lines.append(f"      - {{name: s{number}-{place}, address: {address}, port: 8080}}")
    return "\n".join(lines)


def measure(command: str, path: Path) -> Duration:
    """Run a command on a spec once; raises CalledProcessError if it fails."""
    before, began = _processor(), time.monotonic()
    words = [sys.executable, "-m", "builder", command, str(path)]
    own = {**os.environ, "VIPFORGE_BUILD": str(path.parent / "build")}
    subprocess.run(words, env=own, stdout=subprocess.DEVNULL, check=True)
    return Duration(time.monotonic() - began, _processor() - before)


def _processor() -> float:
    """The processor time of all terminated children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cluster.yml"
        path.write_text(spec(arguments.services, arguments.servers))
        rounds = [{command: measure(command, path) for command in COMMANDS} for _ in range(arguments.rounds)]
    medians = {command: _median([each[command] for each in rounds]) for command in COMMANDS}
    if arguments.json:
        print(json.dumps({command: asdict(median) for command, median in medians.items()}))
        return
    for command, median in medians.items():
        times = f"{median.wall:.2f} s, {median.processor:.2f} s of processor time"
        print(f"{command}: {times} (target: under {LIMIT:g} s)")


def _median(runs: list[Duration]) -> Duration:
    return Duration(statistics.median(each.wall for each in runs), statistics.median(each.processor for each in runs))


if __name__ == "__main__":
    main()
