"""Waiting for a lab to be ready: every node has booted with its identity, and each VIP is held once and answers."""

from __future__ import annotations

import time
from contextlib import suppress

from builder.errors import TimedOut, UserError
from builder.host.acceleration import Accelerator
from builder.lab import console, state, vm
from builder.lab.state import Lab
from builder.lab.survey import NodeState, Survey, status
from builder.lab.waiting import until
from builder.progress import duration, say
from builder.spec.model import Cluster
from builder.spec.places import place

LIMITS: dict[Accelerator, float] = {"kvm": 3 * 60, "tcg": 20 * 60}
"""Seconds. Under TCG a node takes one minute to SSH on an idle host, several on a busy one."""
REFUSED = "Permission denied"
"""In ssh's words: the operator's account or its key is not there (yet)."""
GONE_SECONDS = 2
PAUSE_SECONDS = 3
"""Between two surveys; each logs in to every node, which costs a guest under TCG about one second."""


def wait(lab: Lab, how: Accelerator) -> None:
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


def stage(node: NodeState) -> str:
    """What a node is at, in a few words."""
    if node.vm != "running":
        return f"its machine is {node.vm}"
    if not node.ssh:
        return "boots, SSH refuses the lab's key so far" if REFUSED in node.trouble else "boots, no SSH yet"
    if node.cloud_init != "done":
        return "answers SSH, cloud-init is at work"
    if not node.serves:
        units = f"identity {node.identity}, haproxy {node.haproxy}, keepalived {node.keepalived}"
        return f"has booted; {units}"
    return f"serves; VRRP {node.vrrp_words or 'undecided'}{''.join(f', holds {vip}' for vip in node.vips)}"


def unready(seen: Survey) -> list[str]:
    """What is still missing, a phrase for each; empty for a lab that is ready."""
    missing = [f"{node.name} ({stage(node)})" for node in seen.nodes if not node.serves]
    missing += [f"one holder of {vip} ({len(names)} now)" for vip, names in seen.holders.items() if len(names) != 1]
    if missing:
        return missing
    return [f"an answer on {place(each.address, each.port)} ({each.answer})" for each in seen.answers if not each.ok]


def _survey(lab: Lab) -> Survey:
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


def _tell(seen: Survey, told: dict[str, str]) -> None:
    """One line for each node that has come further."""
    for node in seen.nodes:
        if told.get(node.name) != stage(node):
            told[node.name] = stage(node)
            say(f"{node.name}: {stage(node)}")


def _fail_early(cluster: Cluster, seen: Survey) -> None:
    for node, found in zip(cluster.nodes, seen.nodes, strict=True):
        log = vm.console(cluster, node)
        complaints = console.complaints(log)
        if complaints:
            raise UserError(f"{node.name}: {complaints[-1]}", hint=_hint(cluster))
        if found.vm in ("off", "shutdown", "internal-error"):
            told = console.last_lines(log)
            raise UserError(f"{node.name}: its machine has ended ({found.vm})\n{told}", hint=_hint(cluster))


def _late(cluster: Cluster, seen: Survey, missing: list[str], limit: float) -> str:
    """What was waited for, and the consoles of the nodes that hold it up."""
    late = [f"waited {duration(limit)} for {', '.join(missing)}"]
    for node, found in zip(cluster.nodes, seen.nodes, strict=True):
        if not found.serves:
            late.append(f"{node.name}:\n{console.last_lines(vm.console(cluster, node))}")
    return "\n".join(late)


def _hint(cluster: Cluster) -> str:
    return f"the lab still runs, for you to look into ({state.folder(cluster)}); `vipforge lab down SPEC` removes it"
