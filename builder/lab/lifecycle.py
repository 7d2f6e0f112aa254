"""The life of a lab: what starts it in order, and what leaves nothing of it behind."""

from __future__ import annotations

import shutil

from builder.errors import UserError
from builder.identity.transports import Transport, iso
from builder.lab import farm, holder, network, readiness, ssh, state, vm
from builder.lab.state import Lab
from builder.lab.vm import Appliance
from builder.progress import say, step
from builder.spec.model import Cluster

FOLDER_MODE = 0o700
"""The folder holds the seeds and the lab's SSH key."""


def up(cluster: Cluster, *, wait: bool = True, transport: Transport = iso.TRANSPORT) -> None:
    """Boot the cluster's nodes, and return when they serve (or, without `wait`, when their machines run).

    Their seeds come on a CD, so the transport has to make one.

    A start that fails or is interrupted leaves nothing; what a killed one left is removed first. A lab that starts
    and does not become ready stays, to be looked into. Raises UserError if a lab of this cluster runs already.
    """
    source = vm.appliance(cluster, transport)
    with state.changing():
        lab = _started(cluster, source)
    if not wait:
        return
    try:
        with step(f"waiting for the nodes of {cluster.cluster} ({source.accelerator})"):
            readiness.wait(lab, source.accelerator)
    except KeyboardInterrupt:
        say("interrupted: removing the lab")
        _end_own(lab)
        raise


def down(cluster: Cluster) -> None:
    """End the cluster's lab and remove all of it, also what a killed `up` left; says so if there is nothing."""
    with state.changing():
        lab = state.find(cluster)
        if lab is None and not state.folder(cluster).exists():
            say(f"no lab of {cluster.cluster} runs")
            return
        with step(f"taking down the lab of {cluster.cluster}"):
            _remove(cluster)


def _started(cluster: Cluster, source: Appliance) -> Lab:
    running = state.find(cluster)
    if running and running.complete:
        raise UserError(
            f"a lab of {cluster.cluster} runs already",
            hint="`vipforge lab status SPEC` shows it, `vipforge lab down SPEC` ends it",
        )
    _remove(cluster)
    try:
        with step(f"starting the lab of {cluster.cluster}"):
            return _start(cluster, source)
    except BaseException:
        _remove(cluster)
        raise


def _start(cluster: Cluster, source: Appliance) -> Lab:
    folder = state.folder(cluster)
    folder.mkdir(parents=True, mode=FOLDER_MODE)
    lab = Lab(cluster, holder.begin(folder))
    network.build(lab)
    farm.begin(lab)
    ssh.prepare(lab)
    for node in cluster.nodes:
        vm.prepare(lab, node, source)
        vm.start(lab, node, source.accelerator)
        say(f"{node.name}: powered on, its console is {vm.console(cluster, node)}")
    (folder / state.COMPLETE).touch()
    return lab


def _end_own(lab: Lab) -> None:
    """End this lab, but none that somebody else may have started in its place."""
    with state.changing():
        if state.find(lab.cluster) == lab:
            _remove(lab.cluster)


def _remove(cluster: Cluster) -> None:
    lab = state.find(cluster)
    if lab:
        lab.holder.end()
    if state.folder(cluster).exists():
        shutil.rmtree(state.folder(cluster))
