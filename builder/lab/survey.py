"""What is true in the lab right now: machines, services, who holds which VIP, and whether it answers."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from builder.errors import TimedOut
from builder.lab import knock, state, vm
from builder.lab.ssh import ask
from builder.lab.state import Lab
from builder.run import run
from builder.spec.model import Cluster, Node
from builder.spec.service import Service

ASK_SECONDS = 30
KNOCK_SECONDS = 60
SSH_FAILED = 255
"""ssh's own failures; a command's code is passed on as it is (ssh(1))."""

QUESTIONS = r"""
[ -e /run/cloud-init/result.json ] && echo cloud-init=done || echo cloud-init=running
for unit in vipforge-identity haproxy keepalived; do
    echo "$unit=$(systemctl is-active "$unit")"
done
echo "addresses=$(ip -o address show | awk '{ sub("/.*", "", $4); printf "%s ", $4 }')"
instances=$(grep -c ^vrrp_instance /etc/keepalived/keepalived.conf 2>/dev/null)
echo "vrrp=$(sudo -n journalctl --boot --reverse --output=cat --identifier=Keepalived_vrrp |
    awk -v instances="$instances" '/\) Entering [A-Z]+ STATE/ {
        name = $0; sub(/\) Entering .*/, "", name); sub(/.*\(/, "", name)
        state = $0; sub(/.*\) Entering /, "", state); sub(/ STATE.*/, "", state)
        if (!seen[name]++) { printf "%s:%s ", name, state; if (++found == instances) exit }
    }')"
"""
"""POSIX sh; answers are KEY=VALUE lines. `ip -j` is newer than CentOS 7's iproute2. Of keepalived's log, which may be
long, as much is read as it takes to find the last state of every VRRP instance."""
URGENT = ("FAULT", "MASTER", "BACKUP")
"""The state of a node with several instances, the first one of these that any instance has."""


@dataclass(frozen=True)
class NodeState:
    """One node. Where it could not be asked, everything after `trouble` is empty."""

    name: str
    vm: str
    """QEMU's word (`running`, `paused`, …), `off` without a QEMU, `silent` where it does not answer."""
    ssh: bool
    trouble: str = ""
    """Why SSH did not get through, in its own words."""
    cloud_init: str = ""
    """`running` or `done`."""
    identity: str = ""
    """State of a unit, in systemd's words: `active`, `activating`, `inactive`, `failed`."""
    haproxy: str = ""
    keepalived: str = ""
    vrrp: str = ""
    """`MASTER`, `BACKUP` or `FAULT`, as keepalived last wrote to its log; empty where it does not run."""
    instances: dict[str, str] = field(default_factory=dict)
    """The same of each VRRP instance."""
    vips: tuple[str, ...] = ()
    """The VIPs on its interfaces."""

    @property
    def vrrp_words(self) -> str:
        """The state for people: of several instances, each one's."""
        several = ", ".join(f"{name} {state}" for name, state in self.instances.items())
        return several if len(self.instances) > 1 else self.vrrp

    @property
    def serves(self) -> bool:
        """Whether it has booted and runs both daemons."""
        return self.cloud_init == "done" and self.haproxy == self.keepalived == "active"


@dataclass(frozen=True)
class Answer:
    """What the client got from one port of one VIP."""

    address: str
    port: int
    ok: bool
    answer: str


@dataclass(frozen=True)
class Survey:
    """The whole lab at one moment."""

    cluster: str
    nodes: tuple[NodeState, ...]
    holders: dict[str, tuple[str, ...]]
    """Names of the nodes that hold each VIP: one, if all is well."""
    answers: tuple[Answer, ...]

    @property
    def one_holder_each(self) -> bool:
        """Whether exactly one node holds each VIP."""
        return all(len(names) == 1 for names in self.holders.values())

    @property
    def answered(self) -> bool:
        """Whether every service answers on every VIP."""
        return all(each.ok for each in self.answers)


def status(cluster: Cluster) -> Survey:
    """Ask every node, and every VIP from the client; raises UserError where no lab runs."""
    lab = state.need(cluster)
    with ThreadPoolExecutor(max_workers=len(cluster.nodes)) as pool:
        nodes = tuple(pool.map(lambda node: node_state(lab, node), cluster.nodes))
    vips = [str(vip) for vip in cluster.vrrp.vips]
    holders = {vip: tuple(node.name for node in nodes if vip in node.vips) for vip in vips}
    return Survey(cluster.cluster, nodes, holders, answers(lab))


def node_state(lab: Lab, node: Node) -> NodeState:
    """Ask one node."""
    machine = vm.state(lab.cluster, node)
    if machine != "running":
        return NodeState(node.name, machine, ssh=False)
    try:
        asked = ask(lab, node, QUESTIONS, timeout=ASK_SECONDS)
    except TimedOut:
        return NodeState(node.name, machine, ssh=False, trouble=f"no answer within {ASK_SECONDS} s")
    if asked.code == SSH_FAILED:
        return NodeState(node.name, machine, ssh=False, trouble=_last_line(asked.err))
    return parse(node.name, machine, asked.out, [str(vip) for vip in lab.cluster.vrrp.vips])


def parse(name: str, machine: str, text: str, vips: list[str]) -> NodeState:
    """A node's answers; it may end before it has given all."""
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if "addresses" not in told:
        return NodeState(name, machine, ssh=False, trouble="the node's answer is not whole")
    addresses = told["addresses"].split()
    pairs = told.get("vrrp", "").split() if told["keepalived"] == "active" else []
    instances = dict(sorted(pair.split(":", 1) for pair in pairs))
    return NodeState(
        name,
        machine,
        ssh=True,
        cloud_init=told["cloud-init"],
        identity=told["vipforge-identity"],
        haproxy=told["haproxy"],
        keepalived=told["keepalived"],
        vrrp=next((state for state in URGENT if state in instances.values()), ""),
        instances=instances,
        vips=tuple(vip for vip in vips if vip in addresses),
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["ssh ended without a word"])[-1]


def answers(lab: Lab) -> tuple[Answer, ...]:
    """Ask every service on every VIP, as a client does."""
    words = [*lab.holder.attended(), sys.executable, "-I", knock.__file__]
    done = run(words, stdin=json.dumps(targets(lab.cluster)), timeout=KNOCK_SECONDS)
    return tuple(Answer(**each) for each in json.loads(done.out))


def targets(cluster: Cluster) -> list[dict[str, object]]:
    """What `knock` is to ask: an HTTP service for its check's path, as that one is known to answer."""
    found: list[dict[str, object]] = []
    for service in cluster.services:
        for vip in service.vips or cluster.vrrp.vips:
            path = service.check.path if service.check else "/"
            host = service.check.host if service.check else None
            found.append(
                {"address": str(vip), "port": service.port, "mode": _spoken(service), "path": path, "host": host}
            )
    return found


def _spoken(service: Service) -> str:
    """What a client speaks with a service: `http`, `https`, `tcp`, or `tls` for bytes inside TLS."""
    check = service.check
    if service.is_web or check is None:
        return service.mode
    if check.kind == "http":
        return "https" if check.tls else "http"
    return "tls" if check.tls else "tcp"
