"""Measure the time from power-on until a node serves, compared with the plain base image in the same lab.

    .venv/bin/python -m benchmarks.boot [SPEC] [--base] [--rounds N] [--memory] [--analyze FOLDER]

Prints one JSON object: the time from power-on to the first answer of the web service on the VIP, as elapsed seconds
and as processor seconds of QEMU (under TCG, these are more meaningful on a busy host). With `--base`, the plain base
image is also booted in the node's place, in turns and with the node's seed, until SSH sends its greeting; the ratio is
printed as well. With `--memory`, the output includes the guest's memory in use, in MiB, after three minutes of
serving. With `--analyze`, the output of systemd-analyze for the last boots is stored in FOLDER/node and FOLDER/base.
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
"""How long a serving node stays idle before its memory is read, so that firewalld and cloud-init have started."""
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
"""An action on a node that serves."""


@dataclass(frozen=True)
class Booted:
    """The time from power-on to the first answer, as elapsed seconds and as processor seconds."""

    clock: float
    processor: float


def measure(cluster: Cluster, disk: Path | None = None, after: After | None = None) -> Booted:
    """Boot the first node alone until it serves, or another disk in its place until SSH answers; then call `after`.

    The lab is removed in any case.
    """
    try:
        with state.changing():
            lab, began = _power_on(cluster, disk)
        # Only one of them is polled: each request costs the guest time, most of all SSH under emulation.
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


def _wait(lab: Lab, expected: tuple[str, int, str], began: float) -> Booted:
    host, port, word = expected
    words = [*lab.keeper.client(), sys.executable, "-I", "-c", ASK, host, str(port), word]
    while time.monotonic() - began < LIMIT:
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return Booted(round(time.monotonic() - began, 1), _processor(lab))
        time.sleep(EVERY)
    sys.exit(f"{host} did not answer on port {port} within {LIMIT} s of power-on")


def _processor(lab: Lab) -> float:
    """The processor seconds used by the lab's QEMU (proc(5), /proc/PID/stat)."""
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
    """The guest's memory in MiB after it has been idle for a while."""
    time.sleep(IDLE_SECONDS)
    return in_use(ssh.ask(lab, lab.cluster.nodes[0], "cat /proc/meminfo", timeout=120).out)


def in_use(meminfo: str) -> dict[str, int]:
    """A node's memory in MiB according to its /proc/meminfo (proc(5)); `used` is as defined by free(1)."""
    kib = {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, meminfo.splitlines())}
    return {"used": (kib["MemTotal"] - kib["MemAvailable"]) // 1024}


def _analyze(lab: Lab, folder: Path) -> None:
    """Save the guest's own analysis of its boot, and of its processes, when the boot is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    node = lab.cluster.nodes[0]
    _wait_for_ssh(lab)
    ssh.ask(lab, node, "systemctl is-system-running --wait", timeout=300)
    for name, words in ANALYSES.items():
        done = ssh.ask(lab, node, words, timeout=300)
        (folder / name).write_text(done.out + done.err)
    run(["cp", vm.console(lab.cluster, node), folder / "console.log"], timeout=30)


def _wait_for_ssh(lab: Lab) -> None:
    """Wait for SSH: a node serves on its VIP before cloud-init has created the account."""
    until(lambda: ssh.ask(lab, lab.cluster.nodes[0], "true", timeout=60).code == 0, "SSH", limit=300, every=1)


def compared(node: list[Booted], plain: list[Booted]) -> dict[str, Any]:
    """All times, and the ratio of the medians if the base was measured as well."""
    results: dict[str, Any] = {"vip": [asdict(each) for each in node]}
    if plain:
        results["base_ssh"] = [asdict(each) for each in plain]
        results["ratio"] = {
            name: round(
                median(getattr(each, name) for each in node) / median(getattr(each, name) for each in plain), 2
            )
            for name in ("clock", "processor")
        }
    return results


def main() -> None:
    """Boot in turns and print the results."""
    parser = argparse.ArgumentParser(prog="benchmarks.boot", description=__doc__.partition("\n")[0])
    parser.add_argument("spec", nargs="?", type=Path, default=Path("examples/quickstart.yml"))
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--analyze", type=Path)
    arguments = parser.parse_args()
    cluster = load(arguments.spec)
    extra: dict[str, Any] = {}
    node: list[Booted] = []
    plain: list[Booted] = []
    disk = base() if arguments.base else None

    def after(lab: Lab) -> None:
        if arguments.memory:
            extra["memory_mib"] = _memory(lab)
        if arguments.analyze:
            _analyze(lab, arguments.analyze / "node")

    def after_plain(lab: Lab) -> None:
        if arguments.analyze:
            _analyze(lab, arguments.analyze / "base")

    for number in range(1, arguments.rounds + 1):
        is_last = number == arguments.rounds
        node.append(measure(cluster, after=after if is_last else None))
        if disk:
            plain.append(measure(cluster, disk, after_plain if is_last else None))
    sys.stdout.write(json.dumps({**compared(node, plain), **extra}) + "\n")


if __name__ == "__main__":
    main()
