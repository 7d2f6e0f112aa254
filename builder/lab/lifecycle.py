"""The life of a lab: it is started in order, waited for until it serves, and removed without a trace."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from builder.core.errors import TimedOut, UserError
from builder.core.progress import duration, say, step
from builder.core.waiting import until
from builder.host.qemu import Accelerator
from builder.lab import network, ssh, state, stubs, vm
from builder.lab.state import Lab
from builder.lab.status import LabStatus, status
from builder.lab.vm import Appliance
from builder.nodes.status import stage
from builder.seed.transports import Transport, nocloud
from builder.spec.model import Cluster
from builder.spec.values import endpoint

LIMITS: dict[Accelerator, float] = {"kvm": 3 * 60, "tcg": 20 * 60}
"""Seconds. Under TCG a node takes one minute to SSH on an idle host, several on a busy one."""
GONE_SECONDS = 2
PAUSE_SECONDS = 3
"""Between two surveys; each logs in to every node, which costs a guest under TCG about one second."""


def wait_until_ready(lab: Lab, how: Accelerator) -> None:
    """Return when the lab is ready; raises TimedOut, or UserError as soon as it cannot become ready any more."""
    limit = LIMITS[how]
    deadline = time.monotonic() + limit
    told: dict[str, str] = {}
    while True:
        seen = _survey(lab)
        _tell(seen, told)
        _fail_early(lab.cluster, seen)
        missing = unready(seen)
        if not missing:
            return
        if time.monotonic() > deadline:
            raise TimedOut(_late(lab.cluster, seen, missing, limit), hint=_hint(lab.cluster))
        time.sleep(PAUSE_SECONDS)


def unready(seen: LabStatus) -> list[str]:
    """What is still missing, a phrase for each; empty for a lab that is ready."""
    missing = [f"{node.name} ({stage(node)})" for node in seen.nodes if not node.serves]
    missing += [f"one holder of {vip} ({len(names)} now)" for vip, names in seen.holders.items() if len(names) != 1]
    if missing:
        return missing
    return [
        f"an answer on {endpoint(each.address, each.port)} ({each.answer})" for each in seen.answers if not each.ok
    ]


def _survey(lab: Lab) -> LabStatus:
    try:
        return status(lab.cluster)
    except UserError:
        if _taken_down(lab):
            raise UserError(f"the lab of {lab.cluster.cluster} was taken down while it booted") from None
        raise


def _taken_down(lab: Lab) -> bool:
    # Its first process may be on its way out, as it ends after all others.
    with suppress(TimedOut):
        return until(lambda: state.find(lab.cluster) != lab, "the lab's end", limit=GONE_SECONDS)
    return False


def _tell(seen: LabStatus, told: dict[str, str]) -> None:
    """One line for each node that has come further."""
    for node in seen.nodes:
        if told.get(node.name) != stage(node):
            told[node.name] = stage(node)
            say(f"{node.name}: {stage(node)}")


def _fail_early(cluster: Cluster, seen: LabStatus) -> None:
    for node, found in zip(cluster.nodes, seen.nodes, strict=True):
        log = vm.console(cluster, node)
        complaints = vm.complaints(log)
        if complaints:
            raise UserError(f"{node.name}: {complaints[-1]}", hint=_hint(cluster))
        if found.vm in ("off", "shutdown", "internal-error"):
            told = vm.last_lines(log)
            raise UserError(f"{node.name}: its machine has ended ({found.vm})\n{told}", hint=_hint(cluster))


def _late(cluster: Cluster, seen: LabStatus, missing: list[str], limit: float) -> str:
    """What was waited for, and the consoles of the nodes that hold it up."""
    late = [f"waited {duration(limit)} for {', '.join(missing)}"]
    for node, found in zip(cluster.nodes, seen.nodes, strict=True):
        if not found.serves:
            late.append(f"{node.name}:\n{vm.last_lines(vm.console(cluster, node))}")
    return "\n".join(late)


def _hint(cluster: Cluster) -> str:
    return f"the lab still runs, for you to look into ({state.folder(cluster)}); `vipforge lab down SPEC` removes it"


FOLDER_MODE = 0o700
"""The folder holds the seeds and the lab's SSH key."""


def up(cluster: Cluster, *, wait: bool = True, transport: Transport = nocloud.ISO) -> None:
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
            wait_until_ready(lab, source.accelerator)
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
    lab = Lab(cluster, state.begin_namespaces(folder))
    network.build(lab)
    stubs.begin(lab)
    ssh.prepare(lab)
    for node in cluster.nodes:
        vm.prepare_node(lab, node, source)
        vm.power_on(lab, node, source.accelerator)
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
        lab.keeper.end()
    if state.folder(cluster).exists():
        shutil.rmtree(state.folder(cluster))
