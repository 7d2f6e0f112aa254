"""`vipforge push`: put a changed spec's services on a running pair, over SSH.

Every node checks the new files before any node applies them. Then one node after another applies them, those that
hold no VIP first. The first failure stops the push, so the remaining nodes keep serving their old configuration.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from builder.core import remote
from builder.core.errors import UserError
from builder.core.progress import step
from builder.core.run import Completed, run
from builder.guests import GuestFile
from builder.image import manifest
from builder.nodes import ssh
from builder.nodes.ssh import SshAccess
from builder.nodes.status import vip_holders
from builder.render import appliance, payload
from builder.seed import identity
from builder.spec.keepalived_features import keepalived_for
from builder.spec.model import Cluster, Node

PROGRAM = "/usr/libexec/vipforge/push"
PUSHED = (
    "/etc/haproxy/",
    "/etc/firewalld/zones/",
    "/usr/lib/firewalld/ipsets/",
    "/usr/share/vipforge/",
    "/etc/sysctl.d/",
    "/etc/modprobe.d/vipforge-connections.conf",
    "/etc/systemd/timesyncd.conf.d/",
    "/etc/chrony.conf",
)
"""The appliance's files, and folders of files, that a push changes; any other file needs a new image, and the identity
needs a new seed."""
MANAGEMENT = f"sed -n s/^MANAGEMENT=//p {identity.IDENTITY}"
"""Prints a node's management address with its prefix length; nothing if it has none."""
SECONDS = 300
PRIVATE = 0o600


def push(cluster: Cluster, user_config: Path, prefix: Sequence[str], *, wait: float) -> list[str]:
    """Bring the spec's services to its running nodes; returns the names of the nodes in the order of applying.

    `user_config` and `prefix` say how to reach the nodes (builder.nodes.ssh.open_access).

    Raises UserError if a node refuses the files or does not reload, and TimedOut if a node is not reached in time.
    """
    texts = {node.name: base64.encodebytes(payload(pushed_files(cluster, node))).decode() for node in cluster.nodes}
    with ssh.open_access(cluster, user_config, prefix) as access:
        with step(f"reaching {', '.join(node.name for node in cluster.nodes)} over SSH"):
            ssh.wait_for(cluster.nodes, access, seconds=wait)
        for node in cluster.nodes:
            _refuse_other_cards(cluster, access, node)
        for node in cluster.nodes:
            _run_push(access, node, "check", texts[node.name])
        order = standby_first(cluster, access)
        for node in order:
            _run_push(access, node, "apply", texts[node.name])
    return [node.name for node in order]


def pushed_files(cluster: Cluster, node: Node) -> dict[str, GuestFile]:
    """Return the files that are pushed to a node, by path in the guest."""
    facts = manifest.facts(cluster)
    rendered = appliance(cluster, facts, keepalived_for(cluster, facts))
    public = {path: file for path, file in rendered.items() if path.startswith(PUSHED)}
    private = identity.identity_files(cluster, node).items()
    return public | {path: GuestFile(text, PRIVATE) for path, text in private if path != identity.IDENTITY}


def standby_first(cluster: Cluster, access: SshAccess) -> list[Node]:
    """Return the nodes, those that hold a VIP last."""
    command = remote.command("ip -o address show")
    addresses = {node.name: run([*access.ssh(node), command], timeout=SECONDS).out for node in cluster.nodes}
    holders = {name for names in vip_holders(cluster, addresses).values() for name in names}
    return sorted(cluster.nodes, key=lambda node: node.name in holders)


def _refuse_other_cards(cluster: Cluster, access: SshAccess, node: Node) -> None:
    """Raise UserError if the node has not the spec's management address: its firewall would lock SSH out."""
    found = run([*access.ssh(node), remote.command(MANAGEMENT, root=True)], timeout=SECONDS).out.strip()
    expected = identity.identity(cluster, node).get("MANAGEMENT", "")
    if found != expected:
        raise UserError(
            f"{node.name} has {_management(found)}, and in the spec it has {_management(expected)}",
            hint="a seed brings the cards' addresses: use `vipforge upgrade`",
        )


def _management(address: str) -> str:
    return f"the management address {address}" if address else "no management address"


def _run_push(access: SshAccess, node: Node, action: Literal["check", "apply"], text: str) -> None:
    """Run the guest's push program on a node."""
    program = remote.command(f"{PROGRAM} {action}", root=True)
    with step(f"{node.name}: {action}"):
        done = run([*access.ssh(node), program], stdin=text, timeout=SECONDS, check=False)
    if done.code != 0:
        reason = _reason(done)
        hint = "the nodes after it were not changed" if action == "apply" else "no node was changed"
        if "sync peers" in reason:
            hint += "; its image is older than the exchange of tables: bake a new one, and deploy it"
        raise UserError(f"{node.name} did not {action} the new configuration: {reason}", hint=hint)


def _reason(done: Completed) -> str:
    """Return the last line of the output, or HAProxy's first alert, which names the line of the configuration."""
    lines = (done.err.strip() or done.out.strip() or f"code {done.code}").splitlines()
    return next((line for line in lines if "[ALERT]" in line), lines[-1])
