"""SSH to the nodes: a key pair and a configuration of the lab's own, from the lab's client."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from builder.core import remote
from builder.core.errors import UserError
from builder.core.files import write_atomic
from builder.core.run import Completed, environment, need, run
from builder.lab import state
from builder.lab.state import Lab
from builder.nodes.ssh import configuration
from builder.spec.model import Cluster, Node

CONFIG, KEY, KNOWN_HOSTS = "ssh_config", "id_ed25519", "known_hosts"
CONNECT_SECONDS = 5


def client(cluster: Cluster) -> list[str]:
    """The words before a command that is to run in the lab's client; raises UserError where no lab runs."""
    return state.running_lab(cluster).keeper.client()


def ssh_config(cluster: Cluster) -> Path:
    """An OpenSSH configuration whose hosts are the nodes' short and full names; raises UserError where no lab runs."""
    return state.running_lab(cluster).folder / CONFIG


def login(cluster: Cluster, name: str, command: Sequence[str]) -> None:
    """Become an SSH client to a node: with a command, or with a login shell. Does not return."""
    node = cluster.node(name)
    if node is None:
        known = ", ".join(each.name for each in cluster.nodes)
        raise UserError(f"{name} is no node of {cluster.cluster}", hint=f"its nodes are {known}")
    lab = state.running_lab(cluster)
    words = [*lab.keeper.client(), *argv(lab, node, command)]
    os.execvpe(words[0], words, {**environment(), "TERM": os.environ.get("TERM", "dumb")})  # noqa: S606 - no shell


def ask(lab: Lab, node: Node, script: str, *, timeout: float) -> Completed:
    """Run a shell script on a node. Code 255 means that SSH itself failed."""
    return run(
        [*lab.keeper.attended(), *argv(lab, node, [remote.shell()])], stdin=script, timeout=timeout, check=False
    )


def argv(lab: Lab, node: Node, command: Sequence[str], *, patience: int = CONNECT_SECONDS) -> list[str]:
    """The command line that reaches a node from the client; `patience` is for connecting, in seconds."""
    config = os.fspath(lab.folder / CONFIG)
    return [need("ssh", "openssh-client"), "-F", config, "-o", f"ConnectTimeout={patience}", node.name, *command]


def prepare(lab: Lab) -> None:
    """Make the key pair and the configuration in the lab's folder."""
    key = lab.folder / KEY
    keygen = need("ssh-keygen", "openssh-client")
    run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", f"lab of {lab.cluster.cluster}", "-f", key], timeout=30)
    write_atomic(lab.folder / CONFIG, config(lab.cluster))


def public_key(cluster: Cluster) -> str:
    """The public key that the nodes' seeds carry."""
    return (state.folder(cluster) / KEY).with_suffix(".pub").read_text().strip()


def config(cluster: Cluster) -> str:
    """The text of the OpenSSH configuration. A node's host key is new with each lab, so none is asked for."""
    folder = state.folder(cluster)
    options = {
        "User": cluster.operator.user,
        "IdentityFile": f'"{folder / KEY}"',
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": f'"{folder / KNOWN_HOSTS}"',
        "LogLevel": "ERROR",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "6",
    }
    hosts = [f"Host {_short(node)} {node.name}\n    HostName {node.address}\n" for node in cluster.nodes]
    common = "".join(f"    {name} {value}\n" for name, value in options.items())
    return "\n".join([*hosts, f"Host *\n{common}"])


def _short(node: Node) -> str:
    return node.name.split(".")[0]


def way_in(cluster: Cluster, user_config: Path | None) -> tuple[Path, list[str]]:
    """The OpenSSH configuration to begin with, and the prefix that takes a command to where the clients are."""
    lab = None if user_config else state.find(cluster)
    if lab:
        return lab.folder / CONFIG, lab.keeper.client()
    return configuration(user_config), []
