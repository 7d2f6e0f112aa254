"""Power-on until it serves: one node of a cluster, and the plain base image beside it, in the same lab.

    .venv/bin/python -m benchmarks.boot [SPEC] [--base] [--rounds N] [--memory] [--analyze FOLDER]

Prints one JSON object: seconds from power-on to the first answer of the web service on the VIP, of the clock and of
the processor that QEMU took (under TCG that is the better measure on a busy host). With `--base` the plain base image
starts in the node's place as well, with the node's seed, in turns; SSH's greeting is waited for, and the ratio is
printed. With `--memory`, MiB that the guest has in use three minutes after it began to serve. With `--analyze` what
systemd-analyze tells of the last boot of each is kept in FOLDER/node and FOLDER/base.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.base import base
from builder.core.run import run
from builder.core.waiting import until
from builder.lab import network, ssh, state, stubs, vm
from builder.lab.lifecycle import down
from builder.lab.state import Lab
from builder.spec.load import load
from builder.spec.model import Cluster

LIMIT = 15 * 60
EVERY = 0.1
IDLE_SECONDS = 180
"""How long a node serves, and nobody asks it anything, before its memory is read: firewalld and cloud-init have ended
their start by then."""
ASK = """
import socket, sys
host, port, word = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
with socket.create_connection((host, port), 2) as asked:
    asked.settimeout(20)
    if port != 22:
        asked.sendall(b"GET / HTTP/1.0\\r\\nHost: " + host.encode() + b"\\r\\n\\r\\n")
    sys.exit(word not in asked.recv(200))
"""
ANALYSES = {
    "time": "systemd-analyze time",
    "blame": "systemd-analyze blame",
    "critical-chain": "systemd-analyze critical-chain keepalived.service ssh.service",
    "plot.svg": "systemd-analyze plot",
    "processes": "ps -eo rss,comm --sort=-rss | head -25",
    "memory": "cat /proc/meminfo",
    "kernel": "sudo dmesg",
}

After = Callable[[Lab], None]
"""What is done with a node that serves."""


@dataclass(frozen=True)
class Booted:
    """Seconds from power-on to the first answer: of the clock, and of the processor."""

    clock: float
    processor: float


def measure(cluster: Cluster, disk: Path | None = None, after: After | None = None) -> Booted:
    """Boot the first node alone until it serves, or another disk in its place until SSH greets; then do `after`.

    The lab goes in any case.
    """
    try:
        with state.changing():
            lab, began = _power_on(cluster, disk)
        # One of them: each question costs the guest time, under emulation most of all SSH's.
        greeting = (str(cluster.nodes[0].address), 22, "SSH-2.0")
        answer = (str(cluster.vrrp.vips[0]), cluster.ports()[0], "200")
        booted = _wait(lab, greeting if disk else answer, began)
        if after:
            after(lab)
        return booted
    finally:
        down(cluster)


def _power_on(cluster: Cluster, disk: Path | None) -> tuple[Lab, float]:
    source = vm.appliance(cluster)
    source = replace(source, path=disk) if disk else source
    place = state.folder(cluster)
    place.mkdir(parents=True, mode=0o700)
    lab = Lab(cluster, state.begin_namespaces(place))
    network.build(lab)
    stubs.begin(lab)
    ssh.prepare(lab)
    vm.prepare_node(lab, cluster.nodes[0], source)
    began = time.monotonic()
    vm.power_on(lab, cluster.nodes[0], source.accelerator)
    (place / state.COMPLETE).touch()
    return lab, began


def _wait(lab: Lab, wanted: tuple[str, int, str], began: float) -> Booted:
    host, port, word = wanted
    words = [*lab.keeper.client(), sys.executable, "-I", "-c", ASK, host, str(port), word]
    while time.monotonic() - began < LIMIT:
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return Booted(round(time.monotonic() - began, 1), _processor(lab))
        time.sleep(EVERY)
    sys.exit(f"{host} did not answer on port {port} within {LIMIT} s of power-on")


def _processor(lab: Lab) -> float:
    """Seconds of the processor that the lab's QEMU has taken (proc(5), /proc/PID/stat)."""
    ticks = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if b"qemu-system" in line and os.fsencode(state.folder(lab.cluster)) in line:
            return round((int(fields[11]) + int(fields[12])) / ticks, 1)
    return 0.0


def _memory(lab: Lab) -> dict[str, int]:
    """MiB of the guest's memory when it has been idle for a while."""
    time.sleep(IDLE_SECONDS)
    told = ssh.ask(lab, lab.cluster.nodes[0], "cat /proc/meminfo", timeout=120).out
    return in_use(told)


def in_use(meminfo: str) -> dict[str, int]:
    """MiB of a node's memory by its /proc/meminfo (proc(5)); `used` is what free(1) shows as such."""
    kib = {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, meminfo.splitlines())}
    return {"used": (kib["MemTotal"] - kib["MemAvailable"]) // 1024}


def _analyze(lab: Lab, folder: Path) -> None:
    """Keep what the guest tells of its boot when that is over, and of what runs."""
    folder.mkdir(parents=True, exist_ok=True)
    node = lab.cluster.nodes[0]
    _wait_for_ssh(lab)
    ssh.ask(lab, node, "systemctl is-system-running --wait", timeout=300)
    for name, words in ANALYSES.items():
        told = ssh.ask(lab, node, words, timeout=300)
        (folder / name).write_text(told.out + told.err)
    run(["cp", vm.console(lab.cluster, node), folder / "console.log"], timeout=30)


def _wait_for_ssh(lab: Lab) -> None:
    """A node answers on its VIP before cloud-init has let anybody in."""
    until(lambda: ssh.ask(lab, lab.cluster.nodes[0], "true", timeout=60).code == 0, "SSH", limit=300, every=1)


def compared(node: list[Booted], plain: list[Booted]) -> dict[str, Any]:
    """Every time, and the ratio of the medians where there is something to compare with."""
    found: dict[str, Any] = {"vip": [asdict(each) for each in node]}
    if plain:
        found["base_ssh"] = [asdict(each) for each in plain]
        found["ratio"] = {
            name: round(
                median(getattr(each, name) for each in node) / median(getattr(each, name) for each in plain), 2
            )
            for name in ("clock", "processor")
        }
    return found


def main() -> None:
    """Boot in turns, and print what was measured."""
    parser = argparse.ArgumentParser(prog="benchmarks.boot", description=__doc__.partition("\n")[0])
    parser.add_argument("spec", nargs="?", type=Path, default=Path("examples/quickstart.yml"))
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--analyze", type=Path)
    asked = parser.parse_args()
    cluster = load(asked.spec)
    told: dict[str, Any] = {}
    node: list[Booted] = []
    plain: list[Booted] = []
    disk = base() if asked.base else None

    def after(lab: Lab) -> None:
        if asked.memory:
            told["memory_mib"] = _memory(lab)
        if asked.analyze:
            _analyze(lab, asked.analyze / "node")

    def after_plain(lab: Lab) -> None:
        if asked.analyze:
            _analyze(lab, asked.analyze / "base")

    for number in range(1, asked.rounds + 1):
        is_last = number == asked.rounds
        node.append(measure(cluster, after=after if is_last else None))
        if disk:
            plain.append(measure(cluster, disk, after_plain if is_last else None))
    sys.stdout.write(json.dumps({**compared(node, plain), **told}) + "\n")


if __name__ == "__main__":
    main()
