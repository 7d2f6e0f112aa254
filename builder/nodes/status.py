"""What a node says of itself: its services, its VRRP state, and the VIPs that it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.spec.model import Cluster
from builder.spec.service import Service

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


def parse_status(name: str, machine: str, text: str, vips: list[str]) -> NodeState:
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


def service_targets(cluster: Cluster) -> list[dict[str, object]]:
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


def vip_holders(cluster: Cluster, addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """VIP to the nodes that hold it; `addresses` is each node's `ip -o address show`."""
    held = {name: set(re.findall(r" inet6? ([\da-f.:]+)", text)) for name, text in addresses.items()}
    return {str(vip): [name for name, found in held.items() if str(vip) in found] for vip in cluster.vrrp.vips}


REFUSED = "Permission denied"
"""In ssh's words: the operator's account or its key is not there (yet)."""


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


HAND_OVER = "/usr/libexec/vipforge/hand-over"
"""The guest's program that moves the VIPs, `away` from a node or `back` to it."""
