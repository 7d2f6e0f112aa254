"""`vipforge push`: a changed spec's services on a running pair, over SSH.

Every node checks the new files before any node takes them; then one after the other takes them, those that hold no VIP
first. The first failure ends it, so that the nodes that were not reached yet serve on with what they had.
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
from builder.spec.features import keepalived_for
from builder.spec.model import Cluster, Node

PROGRAM = "/usr/libexec/vipforge/push"
FOLDERS = ("/etc/haproxy/", "/etc/firewalld/zones/", "/usr/share/vipforge/")
"""What a push changes of the appliance's files; the rest needs a new image. The identity needs a new seed."""
SECONDS = 300
PRIVATE = 0o600


def push(cluster: Cluster, user_config: Path, prefix: Sequence[str], *, wait: float) -> list[str]:
    """Bring the services of a spec to its running nodes; their names in the order in which they took them.

    `user_config` and `prefix` are how to reach the nodes (builder.nodes.ssh.access).

    Raises UserError where a node refuses the files or does not reload, TimedOut where one is not reached in time.
    """
    texts = {node.name: base64.encodebytes(payload(pushed_files(cluster, node))).decode() for node in cluster.nodes}
    with ssh.access(cluster, user_config, prefix) as way:
        with step(f"reaching {', '.join(node.name for node in cluster.nodes)} over SSH"):
            ssh.wait_for(cluster.nodes, way, seconds=wait)
        for node in cluster.nodes:
            _tell(way, node, "check", texts[node.name])
        order = standby_first(cluster, way)
        for node in order:
            _tell(way, node, "apply", texts[node.name])
    return [node.name for node in order]


def pushed_files(cluster: Cluster, node: Node) -> dict[str, GuestFile]:
    """What is pushed to a node, by path in the guest."""
    facts = manifest.facts(cluster)
    rendered = appliance(cluster, facts, keepalived_for(cluster, facts))
    public = {path: file for path, file in rendered.items() if path.startswith(FOLDERS)}
    own = identity.identity_files(cluster, node).items()
    return public | {path: GuestFile(text, PRIVATE) for path, text in own if path != identity.IDENTITY}


def standby_first(cluster: Cluster, way: SshAccess) -> list[Node]:
    """The nodes, those that hold a VIP last."""
    asked = remote.command("ip -o address show")
    told = {node.name: run([*way.ssh(node), asked], timeout=SECONDS).out for node in cluster.nodes}
    holders = {name for names in vip_holders(cluster, told).values() for name in names}
    return sorted(cluster.nodes, key=lambda node: node.name in holders)


def _tell(way: SshAccess, node: Node, what: Literal["check", "apply"], text: str) -> None:
    program = remote.command(f"{PROGRAM} {what}", root=True)
    with step(f"{node.name}: {what}"):
        done = run([*way.ssh(node), program], stdin=text, timeout=SECONDS, check=False)
    if done.code != 0:
        raise UserError(
            f"{node.name} did not {what} the new configuration: {_words(done)}",
            hint="the nodes after it were not touched" if what == "apply" else "no node was touched",
        )


def _words(done: Completed) -> str:
    """What a node said last; of HAProxy's words, its first alert, which names the line."""
    lines = (done.err.strip() or done.out.strip() or f"code {done.code}").splitlines()
    return next((line for line in lines if "[ALERT]" in line), lines[-1])
