"""Power-on until it serves: one node of a cluster, and the plain base image beside it, in the same lab.

    .venv/bin/python -m benchmarks.boot [SPEC] [--disk BASE.qcow2] [--analyze FOLDER]

Prints one JSON object: seconds from power-on to the first answer of the web service on the VIP, the processor time
that QEMU had taken by then (under TCG it is the better measure on a busy host), and MiB of memory that the guest uses
when idle. With `--disk` another disk starts in the node's place, with the node's seed, and SSH's greeting is waited
for. With `--analyze` what systemd-analyze tells of the boot is kept in a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.lab import farm, holder, network, ssh, state, vm
from builder.lab.lifecycle import down
from builder.lab.state import Lab
from builder.run import run
from builder.spec.load import load
from builder.spec.model import Cluster

LIMIT = 15 * 60
EVERY = 0.1
IDLE_SECONDS = 60
"""After which a booted guest is asked for its memory."""
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
    "time": "time",
    "blame": "blame",
    "critical-chain": "critical-chain keepalived.service",
    "plot.svg": "plot",
}


@dataclass
class Booted:
    """Seconds since power-on, by what was reached: of the clock, and of the processor."""

    clock: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)


def measure(cluster: Cluster, disk: Path | None, folder: Path | None) -> dict[str, Any]:
    """Boot the first node alone and wait for what it is to reach; the lab goes in any case."""
    try:
        with state.changing():
            lab, began = _power_on(cluster, disk)
        # One of them: each question costs the guest time, under emulation most of all SSH's.
        greeting = {"ssh": (str(cluster.nodes[0].address), 22, "SSH-2.0")}
        wanted = greeting if disk else {"vip": (str(cluster.vrrp.vips[0]), cluster.ports()[0], "200")}
        booted = _wait(lab, wanted, began)
        time.sleep(IDLE_SECONDS)
        found = {"clock": booted.clock, "processor": booted.processor, "memory_mib": _memory(lab)}
        if folder:
            _analyze(lab, folder)
        return found
    finally:
        down(cluster)


def _power_on(cluster: Cluster, disk: Path | None) -> tuple[Lab, float]:
    source = vm.appliance(cluster)
    source = replace(source, path=disk) if disk else source
    place = state.folder(cluster)
    place.mkdir(parents=True, mode=0o700)
    lab = Lab(cluster, holder.begin(place))
    network.build(lab)
    farm.begin(lab)
    ssh.prepare(lab)
    vm.prepare(lab, cluster.nodes[0], source)
    began = time.monotonic()
    vm.start(lab, cluster.nodes[0], source.accelerator)
    (place / state.COMPLETE).touch()
    return lab, began


def _wait(lab: Lab, wanted: dict[str, tuple[str, int, str]], began: float) -> Booted:
    reached, missing = Booted(), dict(wanted)
    while missing and time.monotonic() - began < LIMIT:
        for name, (host, port, word) in list(missing.items()):
            words = [*lab.holder.client(), sys.executable, "-I", "-c", ASK, host, str(port), word]
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                reached.clock[name] = round(time.monotonic() - began, 1)
                reached.processor[name] = _processor(lab)
                del missing[name]
        time.sleep(EVERY)
    return reached


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


def _memory(lab: Lab) -> int:
    """MiB that the guest's own `free` calls used."""
    told = ssh.ask(lab, lab.cluster.nodes[0], "free -m", timeout=120).out
    lines = [line.split() for line in told.splitlines() if line.startswith("Mem:")]
    return int(lines[0][2]) if lines else 0


def _analyze(lab: Lab, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in ANALYSES.items():
        told = ssh.ask(lab, lab.cluster.nodes[0], f"systemd-analyze {words}", timeout=300)
        (folder / name).write_text(told.out + told.err)
    told = ssh.ask(
        lab, lab.cluster.nodes[0], "ps -eo rss,comm --sort=-rss | head -25; free -m; sudo dmesg", timeout=300
    )
    (folder / "processes").write_text(told.out)
    run(["cp", vm.console(lab.cluster, lab.cluster.nodes[0]), folder / "console.log"], timeout=30)


def main() -> None:
    """Boot once, and print what was measured."""
    parser = argparse.ArgumentParser(prog="benchmarks.boot")
    parser.add_argument("spec", nargs="?", type=Path, default=Path("examples/quickstart.yml"))
    parser.add_argument("--disk", type=Path)
    parser.add_argument("--analyze", type=Path)
    asked = parser.parse_args()
    found = measure(load(asked.spec), asked.disk and asked.disk.absolute(), asked.analyze)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
