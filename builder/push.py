"""`vipforge push`: a changed spec's services on a running pair, over SSH.

Every node checks the new files before any node takes them; then one after the other takes them, those that hold no VIP
first. The first failure ends it, so that the nodes that were not reached yet serve on with what they had.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Literal

from builder import remote
from builder.bake import manifest
from builder.errors import UserError
from builder.identity import private
from builder.progress import step
from builder.proof import runner, ssh
from builder.proof.ssh import Access
from builder.proof.verify.answers import vip_holders
from builder.render import GuestFile, appliance, payload
from builder.run import Completed, run
from builder.spec.features import keepalived_for
from builder.spec.load import load
from builder.spec.model import Cluster, Node

PROGRAM = "/usr/libexec/vipforge/push"
FOLDERS = ("/etc/haproxy/", "/etc/firewalld/zones/", "/usr/share/vipforge/")
"""What a push changes of the appliance's files; the rest needs a new image. The identity needs a new seed."""
SECONDS = 300
PRIVATE = 0o600


def push(spec: Path, ssh_config: Path | None, *, wait: float) -> list[str]:
    """Bring the services of a spec to its running nodes; their names in the order in which they took them.

    Raises UserError where a node refuses the files or does not reload, TimedOut where one is not reached in time.
    """
    cluster = load(spec)
    texts = {node.name: base64.encodebytes(payload(files(cluster, node))).decode() for node in cluster.nodes}
    user_config, prefix = runner.way_in(cluster, ssh_config)
    with ssh.access(cluster, user_config, prefix) as way:
        with step(f"reaching {', '.join(node.name for node in cluster.nodes)} over SSH"):
            ssh.wait_for(cluster.nodes, way, seconds=wait)
        for node in cluster.nodes:
            _tell(way, node, "check", texts[node.name])
        order = standby_first(cluster, way)
        for node in order:
            _tell(way, node, "apply", texts[node.name])
    return [node.name for node in order]


def files(cluster: Cluster, node: Node) -> dict[str, GuestFile]:
    """What is pushed to a node, by path in the guest."""
    facts = manifest.facts(cluster)
    rendered = appliance(cluster, facts, keepalived_for(cluster, facts))
    public = {path: file for path, file in rendered.items() if path.startswith(FOLDERS)}
    own = private.files(cluster, node).items()
    return public | {path: GuestFile(text, PRIVATE) for path, text in own if path != private.IDENTITY}


def standby_first(cluster: Cluster, way: Access) -> list[Node]:
    """The nodes, those that hold a VIP last."""
    asked = remote.command("ip -o address show")
    told = {node.name: run([*way.ssh(node), asked], timeout=SECONDS).out for node in cluster.nodes}
    holders = {name for names in vip_holders(cluster, told).values() for name in names}
    return sorted(cluster.nodes, key=lambda node: node.name in holders)


def _tell(way: Access, node: Node, what: Literal["check", "apply"], text: str) -> None:
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
