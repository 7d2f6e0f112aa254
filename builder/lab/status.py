"""The state of the lab now: machines, services, who holds which VIP, and whether each service answers."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table

from builder.core.errors import TimedOut
from builder.core.parallel import run_all
from builder.core.run import run
from builder.lab import state, vm
from builder.lab.ssh import ask
from builder.lab.state import Lab
from builder.nodes import service_check
from builder.nodes.status import QUESTIONS, SSH_FAILED, NodeState, parse_status, service_targets, ssh_error
from builder.spec.model import Cluster, Node

ASK_SECONDS = 30
SERVICE_CHECK_SECONDS = 60
COLUMNS = ("node", "machine", "SSH", "haproxy", "keepalived", "VRRP", "VIPs")
PLAIN_WIDTH = 200
"""A pipe has no width, and nothing should be wrapped."""


@dataclass(frozen=True)
class ServiceAnswer:
    """What the client got from one port of one VIP."""

    address: str
    port: int
    ok: bool
    answer: str


@dataclass(frozen=True)
class LabStatus:
    """The whole lab at one moment."""

    cluster: str
    nodes: tuple[NodeState, ...]
    holders: dict[str, tuple[str, ...]]
    """Names of the nodes that hold each VIP: exactly one if all is well."""
    answers: tuple[ServiceAnswer, ...]

    @property
    def one_holder_each(self) -> bool:
        """Whether exactly one node holds each VIP."""
        return all(len(names) == 1 for names in self.holders.values())

    @property
    def answered(self) -> bool:
        """Whether every service answers on every VIP."""
        return all(each.ok for each in self.answers)


def status(cluster: Cluster) -> LabStatus:
    """Ask every node, and every VIP from the client; raises UserError if no lab is running."""
    lab = state.running_lab(cluster)
    nodes = tuple(run_all([partial(node_state, lab, node) for node in cluster.nodes]))
    vips = [str(vip) for vip in cluster.vrrp.vips]
    holders = {vip: tuple(node.name for node in nodes if vip in node.vips) for vip in vips}
    return LabStatus(cluster.cluster, nodes, holders, ask_services(lab))


def node_state(lab: Lab, node: Node) -> NodeState:
    """Ask one node."""
    machine = vm.state(lab.cluster, node)
    if machine != "running":
        return NodeState(node.name, machine, ssh=False)
    try:
        reply = ask(lab, node, QUESTIONS, timeout=ASK_SECONDS)
    except TimedOut:
        return NodeState(node.name, machine, ssh=False, trouble=f"no answer within {ASK_SECONDS} s")
    if reply.code == SSH_FAILED:
        return NodeState(node.name, machine, ssh=False, trouble=ssh_error(reply.err))
    return parse_status(node.name, machine, reply.out, [str(vip) for vip in lab.cluster.vrrp.vips])


def ask_services(lab: Lab) -> tuple[ServiceAnswer, ...]:
    """Ask every service on every VIP, as a client does."""
    argv = [*lab.keeper.attended(), sys.executable, "-I", service_check.__file__]
    done = run(argv, stdin=json.dumps(service_targets(lab.cluster)), timeout=SERVICE_CHECK_SECONDS)
    return tuple(ServiceAnswer(**each) for each in json.loads(done.out))


def status_text(current: LabStatus, *, as_json: bool) -> str:
    """Return the status as JSON for programs, or for people: a table of the nodes, then the VIPs and services."""
    if as_json:
        return json.dumps({**asdict(current), "one_holder_each": current.one_holder_each}, indent=2)
    return "\n".join([node_table(current), *_details(current)])


def node_table(current: LabStatus) -> str:
    """Return the nodes as a table with one row per node."""
    terminal = sys.stdout.isatty()
    table = Table(*COLUMNS, box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for node in current.nodes:
        table.add_row(*_row(node))
    console = Console(color_system=None, width=None if terminal else PLAIN_WIDTH)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _details(current: LabStatus) -> list[str]:
    """Say why a node could not be asked, who holds each VIP, and what each service answers on it."""
    lines = [f"{node.name}: {node.trouble}" for node in current.nodes if node.trouble]
    for vip, names in current.holders.items():
        lines.append(f"{vip} is held by {_listed(names)}")
        lines += [f"  port {each.port}: {each.answer}" for each in current.answers if each.address == vip]
    return lines


def _row(node: NodeState) -> tuple[str, ...]:
    """Return a node's cells; an unknown value is a dash."""
    cells = (node.vm, "yes" if node.ssh else "no", node.haproxy, node.keepalived, node.vrrp_words, " ".join(node.vips))
    return (node.name, *(cell or "-" for cell in cells))


def _listed(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{len(names)} nodes: {', '.join(names)}" if names else "no node"
