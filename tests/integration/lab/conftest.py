"""Labs for tests: real namespaces and real QEMUs, with an empty disk in place of an appliance."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from builder.core import paths
from builder.core.errors import UserError
from builder.core.run import run
from builder.lab import lifecycle, network, state, stubs
from builder.lab.state import Lab
from builder.spec.model import Cluster
from tests.specs import quickstart

MakeCluster = Callable[..., Cluster]
MakeLab = Callable[..., Lab]


def processes(marker: str) -> dict[int, str]:
    """Return the command lines of the processes that contain `marker`, by process id."""
    command_lines = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                command_line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if marker in command_line:
                    command_lines[int(folder.name)] = command_line
    return command_lines


def soon(condition: Callable[[], object], within: float = 20) -> bool:
    """Return whether a condition becomes true in time."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def nothing_left(cluster: Cluster) -> bool:
    """Return whether neither files nor processes of the cluster's lab are left."""
    folder = state.folder(cluster)
    return soon(lambda: not folder.exists() and not processes(str(folder)), within=5)


@pytest.fixture(autouse=True)
def plain_emulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use TCG: an empty disk needs no KVM, and the check for KVM takes seconds."""
    monkeypatch.setenv("VIPFORGE_ACCEL", "tcg")


@pytest.fixture
def make_cluster() -> Iterator[MakeCluster]:
    """Clusters whose "image" is an empty disk: their machines run, but find nothing to boot."""
    clusters: list[Cluster] = []

    def make(**changes: Any) -> Cluster:
        cluster = quickstart(**changes)
        image = paths.build_folder(cluster.cluster, "appliance.qcow2")
        image.parent.mkdir(parents=True)
        run(["qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], timeout=60)
        image.with_name("manifest.json").write_text(json.dumps({"guest": "debian12"}))
        clusters.append(cluster)
        return cluster

    yield make
    for cluster in clusters:
        lifecycle.down(cluster)


@pytest.fixture
def make_lab() -> Iterator[MakeLab]:
    """Labs without nodes: only network, stub servers and client."""
    clusters: list[Cluster] = []

    def make(**changes: Any) -> Lab:
        cluster = quickstart(**changes)
        clusters.append(cluster)
        state.folder(cluster).mkdir(parents=True)
        lab = Lab(cluster, state.begin_namespaces(state.folder(cluster)))
        network.build(lab)
        stubs.begin(lab)
        return lab

    yield make
    for cluster in clusters:
        with suppress(UserError):
            lifecycle.down(cluster)
