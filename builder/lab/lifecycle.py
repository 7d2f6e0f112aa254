"""The life of a lab: starting it, waiting until it serves, and removing it without a trace."""

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
SHUTDOWN_SECONDS = 2
PAUSE_SECONDS = 3
"""Between two looks at the lab; each logs in to every node, which costs a guest under TCG about one second."""
FOLDER_MODE = 0o700
"""The folder contains the seeds and the lab's SSH key."""


def up(cluster: Cluster, *, wait: bool = True, transport: Transport = nocloud.ISO) -> None:
    """Boot the cluster's nodes, and return when they serve (or, without `wait`, when their machines run).

    The seeds come on a CD, so the transport has to be one that makes a CD.

    A start that fails or is interrupted leaves nothing behind; the remains of one that was killed are removed first.
    A lab that starts but does not become ready stays, so that it can be examined. Raises UserError if a lab of this
    cluster runs already.
    """
    source = vm.appliance(cluster, transport)
    with state.changing():
        lab = _start_from_scratch(cluster, source)
    if not wait:
        return
    try:
        with step(f"waiting for the nodes of {cluster.cluster} ({source.accelerator})"):
            wait_until_ready(lab, source.accelerator)
    except KeyboardInterrupt:
        say("interrupted: removing the lab")
        _remove_unless_replaced(lab)
        raise


def down(cluster: Cluster) -> None:
    """End the cluster's lab and remove all its files, including those of a killed `up`; says so if there is none."""
    with state.changing():
        lab = state.find(cluster)
        if lab is None and not state.folder(cluster).exists():
            say(f"no lab of {cluster.cluster} is running")
            return
        with step(f"taking down the lab of {cluster.cluster}"):
            _remove(cluster)


def wait_until_ready(lab: Lab, accelerator: Accelerator) -> None:
    """Return when the lab is ready; raises TimedOut, or UserError as soon as it can no longer become ready."""
    limit = LIMITS[accelerator]
    deadline = time.monotonic() + limit
    stages: dict[str, str] = {}
    while True:
        current = _current_status(lab)
        _report_progress(current, stages)
        _fail_early(lab.cluster, current)
        missing = unready(current)
        if not missing:
            return
        if time.monotonic() > deadline:
            raise TimedOut(_timeout_message(lab.cluster, current, missing, limit), hint=_hint(lab.cluster))
        time.sleep(PAUSE_SECONDS)


def unready(current: LabStatus) -> list[str]:
    """Return what is still missing, one phrase for each item; empty if the lab is ready."""
    missing = [f"{node.name} ({stage(node)})" for node in current.nodes if not node.serves]
    missing += [f"one holder of {vip} ({len(names)} now)" for vip, names in current.holders.items() if len(names) != 1]
    if missing:
        return missing
    return [
        f"an answer on {endpoint(each.address, each.port)} ({each.answer})" for each in current.answers if not each.ok
    ]


def _current_status(lab: Lab) -> LabStatus:
    try:
        return status(lab.cluster)
    except UserError:
        if _was_taken_down(lab):
            raise UserError(f"the lab of {lab.cluster.cluster} was taken down while it booted") from None
        raise


def _was_taken_down(lab: Lab) -> bool:
    # Its first process may still be exiting, because it ends after all the others.
    with suppress(TimedOut):
        return until(lambda: state.find(lab.cluster) != lab, "the lab's end", limit=SHUTDOWN_SECONDS)
    return False


def _report_progress(current: LabStatus, stages: dict[str, str]) -> None:
    """Print one line for each node whose stage has changed, and note its stage in `stages`."""
    for node in current.nodes:
        if stages.get(node.name) != stage(node):
            stages[node.name] = stage(node)
            say(f"{node.name}: {stage(node)}")


def _fail_early(cluster: Cluster, current: LabStatus) -> None:
    for node, node_state in zip(cluster.nodes, current.nodes, strict=True):
        log = vm.console(cluster, node)
        complaints = vm.complaints(log)
        if complaints:
            raise UserError(f"{node.name}: {complaints[-1]}", hint=_hint(cluster))
        if node_state.vm in ("off", "shutdown", "internal-error"):
            tail = vm.last_lines(log)
            raise UserError(f"{node.name}: its machine has stopped ({node_state.vm})\n{tail}", hint=_hint(cluster))


def _timeout_message(cluster: Cluster, current: LabStatus, missing: list[str], limit: float) -> str:
    """Name what is missing, and quote the consoles of the nodes that do not serve."""
    lines = [f"waited {duration(limit)} for {', '.join(missing)}"]
    for node, node_state in zip(cluster.nodes, current.nodes, strict=True):
        if not node_state.serves:
            lines.append(f"{node.name}:\n{vm.last_lines(vm.console(cluster, node))}")
    return "\n".join(lines)


def _hint(cluster: Cluster) -> str:
    return (
        f"the lab is still running so that you can examine it ({state.folder(cluster)});"
        " `vipforge lab down SPEC` removes it"
    )


def _start_from_scratch(cluster: Cluster, source: Appliance) -> Lab:
    """Remove the remains of a killed start, then start the lab; raises UserError if a complete lab is running."""
    running = state.find(cluster)
    if running and running.complete:
        raise UserError(
            f"a lab of {cluster.cluster} is running already",
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


def _remove_unless_replaced(lab: Lab) -> None:
    """Remove this lab, but not one that somebody else may have started in its place."""
    with state.changing():
        if state.find(lab.cluster) == lab:
            _remove(lab.cluster)


def _remove(cluster: Cluster) -> None:
    lab = state.find(cluster)
    if lab:
        lab.keeper.end()
    if state.folder(cluster).exists():
        shutil.rmtree(state.folder(cluster))
