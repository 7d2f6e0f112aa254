"""Upgrading running nodes over SSH: asking for their state, handing the VIPs over, watching the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from builder.core import paths, remote
from builder.core.errors import TimedOut, UserError
from builder.core.files import locked, workspace, write_atomic
from builder.core.parallel import run_all
from builder.core.progress import warn
from builder.core.run import run
from builder.nodes import service_check, ssh, status
from builder.nodes.ssh import SshAccess
from builder.nodes.status import HAND_OVER, NodeState
from builder.nodes.upgrade import Machines, Upgrade
from builder.spec.keepalived_features import profile_of
from builder.spec.model import Cluster, Node
from builder.spec.values import endpoint

ServiceTarget = dict[str, Any]
"""One port of one VIP (builder.nodes.status.service_targets)."""

SECONDS = 60
LOCK_SECONDS = 5
CLASSIC = {"away": "systemctl stop keepalived", "back": "systemctl start keepalived"}
"""The only hand-over that the classic profile has."""


def upgrade(
    cluster: Cluster, machines: Machines, ssh_config: Path | None, seconds: float, *, dry_run: bool
) -> Iterator[str]:
    """Upgrade the cluster on its hypervisor; yields the plan before anything is changed, and a summary at the end.

    A node has `seconds` to become healthy. Raises UserError or TimedOut if it does not.
    """
    lock = paths.state("upgrades", f"{cluster.cluster}.lock")
    with (
        locked(lock, f"the upgrade of {cluster.cluster}", timeout=LOCK_SECONDS),
        running(cluster, ssh_config) as nodes,
    ):
        work = Upgrade(cluster, machines, nodes, seconds)
        yield work.plan()
        if not dry_run and work.todo():
            yield f"renewed: {', '.join(work.carry_out())}"


@contextmanager
def running(cluster: Cluster, ssh_config: Path | None) -> Iterator[Running]:
    """Return the nodes, reached over SSH with the user's configuration; a lab of the cluster is never used.

    A new machine makes its host key at its first boot, so the key that the user knows becomes invalid with the old
    machine. The first key that a node presents is therefore accepted.
    """
    user_config = ssh.configuration(ssh_config)
    with workspace(paths.state("ssh"), "k") as folder:
        config = folder / "config"
        write_atomic(config, _config(cluster, user_config, folder), mode=0o600)
        with ssh.open_access(cluster, config) as access:
            yield Running(cluster, access, folder)


class Running:
    """The nodes of a cluster, as the protocol `Nodes` of builder/nodes/upgrade.py."""

    def __init__(self, cluster: Cluster, access: SshAccess, keys: Path) -> None:
        self._cluster = cluster
        self._access = access
        self._keys = keys
        self._vips = [str(vip) for vip in cluster.vrrp.vips]

    def look(self) -> Mapping[str, NodeState]:
        """Return the state of every node by its full name, with the reason if a node could not be asked.

        The first call also asks the services, to learn which of them answer from here.
        """
        nodes = self._cluster.nodes
        self._answering  # noqa: B018 - what answers before the upgrade has to answer after it
        states = run_all([partial(self._state, node) for node in nodes])
        return {node.name: state for node, state in zip(nodes, states, strict=True)}

    def hand_over(self, node: Node, way: Literal["away", "back"]) -> None:
        """Run the guest's own hand-over program or, in the classic profile, stop and start keepalived."""
        command = f"{HAND_OVER} {way}" if profile_of(self._cluster).haproxy_is_event else CLASSIC[way]
        run([*self._access.ssh(node), remote.command(command, root=True)], timeout=SECONDS)

    def forget(self, node: Node) -> None:
        """End the shared connection, and forget the host key."""
        with suppress(UserError):
            run(self._access.ssh(node, "-O", "exit"), timeout=SECONDS, check=False)
        _key_file(self._keys, node).unlink(missing_ok=True)

    def silent(self) -> list[str]:
        """Return the services that answered at the first look and do not answer now."""
        return [_endpoint(target) for target in _unanswered(self._answering)]

    @cached_property
    def _answering(self) -> list[ServiceTarget]:
        """The services that answered when they were first asked."""
        targets = status.service_targets(self._cluster)
        silent = _unanswered(targets)
        if silent:
            endpoints = ", ".join(map(_endpoint, silent))
            warn(f"no answer from here on {endpoints}: only the nodes' own state tells whether they are healthy")
        return [target for target in targets if target not in silent]

    def _state(self, node: Node) -> NodeState:
        argv = [*self._access.ssh(node), remote.shell()]
        try:
            reply = run(argv, stdin=status.QUESTIONS, timeout=SECONDS, check=False)
        except TimedOut:
            return NodeState(node.name, "running", ssh=False, trouble=f"no answer within {SECONDS} s")
        if reply.code == status.SSH_FAILED:
            return NodeState(node.name, "running", ssh=False, trouble=status.ssh_error(reply.err))
        return status.parse_status(node.name, "running", reply.out, self._vips)


def _config(cluster: Cluster, user_config: Path, folder: Path) -> str:
    keys = [
        f'Host {node.name}\n  UserKnownHostsFile "{_key_file(folder, node)}"\n  GlobalKnownHostsFile /dev/null\n'
        for node in cluster.nodes
    ]
    return f'Include "{user_config}"\n{"".join(keys)}Host *\n  StrictHostKeyChecking accept-new\n'


def _key_file(folder: Path, node: Node) -> Path:
    return folder / f"{node.name}.key"


def _unanswered(targets: list[ServiceTarget]) -> list[ServiceTarget]:
    answers = run_all([partial(service_check.check_service, target) for target in targets])
    return [target for target, answer in zip(targets, answers, strict=True) if not answer["ok"]]


def _endpoint(target: ServiceTarget) -> str:
    return endpoint(str(target["address"]), int(str(target["port"])))
