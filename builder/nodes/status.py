"""The state of a node, as it reports it: its services, its VRRP state, and the VIPs that it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder.spec.model import Cluster
from builder.spec.service import Service

SSH_FAILED = 255
"""The code of ssh's own failures; ssh passes on any other code from the command (ssh(1))."""
REFUSED = "Permission denied"
"""ssh's error while the operator's account or its key does not exist (yet)."""
HAND_OVER = "/usr/libexec/vipforge/hand-over"
"""The guest's program that moves the VIPs, `away` from a node or `back` to it."""

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
"""POSIX sh; answers are KEY=VALUE lines. CentOS 7's iproute2 has no `ip -j`. keepalived's log may be long: it is read
backwards, and only until the last state of every VRRP instance is found."""
BY_URGENCY = ("FAULT", "MASTER", "BACKUP")
"""A node with several instances has the first of these states that any of its instances has."""


@dataclass(frozen=True)
class NodeState:
    """One node. If the node could not be asked, every field after `trouble` is empty."""

    name: str
    vm: str
    """QEMU's run state (`running`, `paused`, …), `off` if no QEMU runs, `silent` if it does not answer."""
    ssh: bool
    trouble: str = ""
    """Why SSH failed, in its own words."""
    cloud_init: str = ""
    """`running` or `done`."""
    identity: str = ""
    """systemd's state of a unit: `active`, `activating`, `inactive`, `failed`."""
    haproxy: str = ""
    keepalived: str = ""
    vrrp: str = ""
    """`MASTER`, `BACKUP` or `FAULT`, as keepalived last wrote to its log; empty if keepalived does not run."""
    instances: dict[str, str] = field(default_factory=dict)
    """The state of each VRRP instance, by name."""
    vips: tuple[str, ...] = ()
    """The VIPs on its interfaces."""

    @property
    def vrrp_words(self) -> str:
        """The VRRP state for people; if there are several instances, the state of each."""
        several = ", ".join(f"{name} {state}" for name, state in self.instances.items())
        return several if len(self.instances) > 1 else self.vrrp

    @property
    def serves(self) -> bool:
        """Whether the node has booted and runs both daemons."""
        return self.cloud_init == "done" and self.haproxy == self.keepalived == "active"


def parse_status(name: str, machine: str, text: str, vips: list[str]) -> NodeState:
    """Return the state that a node's answers to QUESTIONS describe; the text may break off early."""
    answers = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if "addresses" not in answers:
        return NodeState(name, machine, ssh=False, trouble="the node's answer is incomplete")
    addresses = answers["addresses"].split()
    pairs = answers.get("vrrp", "").split() if answers["keepalived"] == "active" else []
    instances = dict(sorted(pair.split(":", 1) for pair in pairs))
    return NodeState(
        name,
        machine,
        ssh=True,
        cloud_init=answers["cloud-init"],
        identity=answers["vipforge-identity"],
        haproxy=answers["haproxy"],
        keepalived=answers["keepalived"],
        vrrp=next((state for state in BY_URGENCY if state in instances.values()), ""),
        instances=instances,
        vips=tuple(vip for vip in vips if vip in addresses),
    )


def ssh_error(stderr: str) -> str:
    """Return ssh's last line on stderr."""
    return (stderr.strip().splitlines() or ["ssh failed without an error message"])[-1]


def stage(node: NodeState) -> str:
    """Describe in a few words how far a node's boot has come."""
    if node.vm != "running":
        return f"its machine is {node.vm}"
    if not node.ssh:
        return "booting, SSH refuses the lab's key so far" if REFUSED in node.trouble else "booting, no SSH yet"
    if node.cloud_init != "done":
        return "answers SSH, cloud-init is running"
    if not node.serves:
        units = f"identity {node.identity}, haproxy {node.haproxy}, keepalived {node.keepalived}"
        return f"has booted; {units}"
    return f"serves; VRRP {node.vrrp_words or 'undecided'}{''.join(f', holds {vip}' for vip in node.vips)}"


def service_targets(cluster: Cluster) -> list[dict[str, object]]:
    """Return the input of service_check: an HTTP service is asked for its check's path, which is known to answer."""
    targets: list[dict[str, object]] = []
    for service in cluster.services:
        for vip in service.vips or cluster.vrrp.vips:
            path = service.http_check.path if service.http_check else "/"
            host = service.http_check.host if service.http_check else None
            targets.append(
                {"address": str(vip), "port": service.port, "mode": _protocol(service), "path": path, "host": host}
            )
    return targets


def _protocol(service: Service) -> str:
    """Return what a client speaks with a service: `http`, `https`, `tcp`, or `tls` for bytes inside TLS."""
    check = service.check
    if service.is_web or check is None or check.port:
        return service.mode
    if check.kind == "http":
        return "https" if check.tls else "http"
    return "tls" if check.tls else "tcp"


def vip_holders(cluster: Cluster, addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """Return each VIP with the nodes that hold it; `addresses` has each node's `ip -o address show`."""
    by_node = {name: set(re.findall(r" inet6? ([\da-f.:]+)", text)) for name, text in addresses.items()}
    return {str(vip): [name for name, held in by_node.items() if str(vip) in held] for vip in cluster.vrrp.vips}
