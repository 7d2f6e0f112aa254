"""SSH from the lab's client to its nodes, with a key pair and a configuration that belong to the lab."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from builder.core import remote
from builder.core.errors import InvalidOption
from builder.core.files import write_atomic
from builder.core.quoting import ssh_config_path
from builder.core.run import Completed, environment, need, run
from builder.lab import state
from builder.lab.state import Lab
from builder.nodes.ssh import configuration
from builder.spec.model import Cluster, Node

CONFIG, KEY, KNOWN_HOSTS = "ssh_config", "id_ed25519", "known_hosts"
CONNECT_SECONDS = 5


def client(cluster: Cluster) -> list[str]:
    """Return the argv prefix that runs a command in the lab's client; raises UserError if no lab is running."""
    return state.running_lab(cluster).keeper.client()


def ssh_config(cluster: Cluster) -> Path:
    """Return the lab's OpenSSH configuration, which has the nodes' short and full names as hosts.

    Raises UserError if no lab is running.
    """
    return state.running_lab(cluster).folder / CONFIG


def login(cluster: Cluster, name: str, command: Sequence[str]) -> None:
    """Replace this process by an SSH client that runs a command or a login shell on a node. Does not return."""
    node = cluster.node(name)
    if node is None:
        known = ", ".join(each.name for each in cluster.nodes)
        raise InvalidOption(f"{name} is not a node of {cluster.cluster}", hint=f"its nodes are {known}")
    lab = state.running_lab(cluster)
    words = [*lab.keeper.client(), *argv(lab, node, command)]
    os.execvpe(words[0], words, {**environment(), "TERM": os.environ.get("TERM", "dumb")})  # noqa: S606 - no shell


def ask(lab: Lab, node: Node, script: str, *, timeout: float) -> Completed:
    """Run a shell script on a node. Code 255 means that SSH itself failed."""
    return run(
        [*lab.keeper.attended(), *argv(lab, node, [remote.shell()])], stdin=script, timeout=timeout, check=False
    )


def argv(lab: Lab, node: Node, command: Sequence[str], *, connect_seconds: int = CONNECT_SECONDS) -> list[str]:
    """Return the ssh command line that reaches a node from the client."""
    config = os.fspath(lab.folder / CONFIG)
    timeout = f"ConnectTimeout={connect_seconds}"
    return [need("ssh", "openssh-client"), "-F", config, "-o", timeout, node.name, *command]


def prepare(lab: Lab) -> None:
    """Make the key pair and the configuration in the lab's folder."""
    key = lab.folder / KEY
    keygen = need("ssh-keygen", "openssh-client")
    run([keygen, "-q", "-t", "ed25519", "-N", "", "-C", f"lab of {lab.cluster.cluster}", "-f", key], timeout=30)
    write_atomic(lab.folder / CONFIG, config(lab.cluster))


def public_key(cluster: Cluster) -> str:
    """Return the public key that the nodes' seeds carry."""
    return (state.folder(cluster) / KEY).with_suffix(".pub").read_text().strip()


def config(cluster: Cluster) -> str:
    """Return the text of the OpenSSH configuration. Each lab has new host keys, so they are not checked."""
    folder = state.folder(cluster)
    options = {
        "User": cluster.operator.user,
        "IdentityFile": ssh_config_path(folder / KEY),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": ssh_config_path(folder / KNOWN_HOSTS),
        "LogLevel": "ERROR",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "6",
    }
    hosts = [
        f"Host {_short(node)} {node.name}\n    HostName {cluster.login_address(node)}\n" for node in cluster.nodes
    ]
    common = "".join(f"    {name} {value}\n" for name, value in options.items())
    return "\n".join([*hosts, f"Host *\n{common}"])


def _short(node: Node) -> str:
    return node.name.split(".")[0]


def ssh_setup(cluster: Cluster, user_config: Path | None) -> tuple[Path, list[str]]:
    """Return the OpenSSH configuration to start from, and the argv prefix that runs ssh where the clients are.

    Both are the lab's if one is running, unless the user names a configuration.
    """
    lab = None if user_config else state.find(cluster)
    if lab:
        return lab.folder / CONFIG, lab.keeper.client()
    return configuration(user_config), []
