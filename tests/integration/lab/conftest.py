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
    """The processes whose command line, working folder or opened files are of `marker`, by their ids."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if marker in words:
                    found[int(folder.name)] = words
    return found


def soon(happened: Callable[[], object], within: float = 20) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + within
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def nothing_left(cluster: Cluster) -> bool:
    """Whether neither a file nor a process of the cluster's lab is left."""
    folder = state.folder(cluster)
    return soon(lambda: not folder.exists() and not processes(str(folder)), within=5)


@pytest.fixture(autouse=True)
def plain_emulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty disk needs no KVM, and the check for it takes seconds."""
    monkeypatch.setenv("VIPFORGE_ACCEL", "tcg")


@pytest.fixture
def make_cluster() -> Iterator[MakeCluster]:
    """Clusters whose "image" is an empty disk: their machines run, and find nothing to boot."""
    made: list[Cluster] = []

    def make(**changes: Any) -> Cluster:
        cluster = quickstart(**changes)
        image = paths.build_folder(cluster.cluster, "appliance.qcow2")
        image.parent.mkdir(parents=True)
        run(["qemu-img", "create", "-q", "-f", "qcow2", image, "64M"], timeout=60)
        image.with_name("manifest.json").write_text(json.dumps({"guest": "debian12"}))
        made.append(cluster)
        return cluster

    yield make
    for cluster in made:
        lifecycle.down(cluster)


@pytest.fixture
def make_farm() -> Iterator[MakeLab]:
    """Labs without nodes: network, farm and client only."""
    made: list[Cluster] = []

    def make(**changes: Any) -> Lab:
        cluster = quickstart(**changes)
        made.append(cluster)
        state.folder(cluster).mkdir(parents=True)
        started = Lab(cluster, state.begin_namespaces(state.folder(cluster)))
        network.build(started)
        stubs.begin(started)
        return started

    yield make
    for cluster in made:
        with suppress(UserError):
            lifecycle.down(cluster)
