"""An upgrade of running nodes, asked and told over SSH: how each is, and handing the VIPs over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from builder.core import paths, remote
from builder.core.errors import TimedOut, UserError
from builder.core.files import locked, workspace, write_atomic
from builder.core.progress import warn
from builder.core.run import run
from builder.nodes import service_check, ssh, status
from builder.nodes.ssh import SshAccess
from builder.nodes.status import HAND_OVER, NodeState
from builder.nodes.upgrade import Machines, Upgrade
from builder.spec.features import profile_of
from builder.spec.model import Cluster, Node
from builder.spec.values import endpoint

Door = dict[str, Any]

SECONDS = 60
LOCK_SECONDS = 5
CLASSIC = {"away": "systemctl stop keepalived", "back": "systemctl start keepalived"}
"""The classic profile knows no other way to hand over."""


class Running:
    """The nodes of a cluster; the protocol `Nodes` of builder/nodes/upgrade.py."""

    def __init__(self, cluster: Cluster, way: SshAccess, keys: Path) -> None:
        self._cluster = cluster
        self._way = way
        self._keys = keys
        self._vips = [str(vip) for vip in cluster.vrrp.vips]

    def look(self) -> Mapping[str, NodeState]:
        """Every node by its full name; of one that cannot be asked, the reason. The first look tries the doors."""
        nodes = self._cluster.nodes
        self._doors  # noqa: B018 - what answers at the beginning has to answer at the end
        with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
            return {node.name: state for node, state in zip(nodes, pool.map(self._state, nodes), strict=True)}

    def hand_over(self, node: Node, way: Literal["away", "back"]) -> None:
        """By the guest's own program, or in the classic profile by keepalived's end."""
        command = f"{HAND_OVER} {way}" if profile_of(self._cluster).haproxy_is_event else CLASSIC[way]
        run([*self._way.ssh(node), remote.command(command, root=True)], timeout=SECONDS)

    def forget(self, node: Node) -> None:
        """End the shared connection, and forget the host key."""
        with suppress(UserError):
            run(self._way.ssh(node, "-O", "exit"), timeout=SECONDS, check=False)
        _key_file(self._keys, node).unlink(missing_ok=True)

    def silent(self) -> list[str]:
        """The doors that answered at the beginning and do not now."""
        return [_shown(door) for door in _unanswered(self._doors)]

    @cached_property
    def _doors(self) -> list[Door]:
        """The doors that answered when they were asked first."""
        doors = status.service_targets(self._cluster)
        silent = _unanswered(doors)
        if silent:
            shown = ", ".join(map(_shown, silent))
            warn(f"no answer from here on {shown}: the nodes alone are asked how they are")
        return [door for door in doors if door not in silent]

    def _state(self, node: Node) -> NodeState:
        try:
            asked = run([*self._way.ssh(node), remote.shell()], stdin=status.QUESTIONS, timeout=SECONDS, check=False)
        except TimedOut:
            return NodeState(node.name, "running", ssh=False, trouble=f"no answer within {SECONDS} s")
        if asked.code == status.SSH_FAILED:
            trouble = (asked.err.strip().splitlines() or ["ssh ended without a word"])[-1]
            return NodeState(node.name, "running", ssh=False, trouble=trouble)
        return status.parse_status(node.name, "running", asked.out, self._vips)


def upgrade(
    cluster: Cluster, machines: Machines, ssh_config: Path | None, seconds: float, *, dry_run: bool
) -> Iterator[str]:
    """Upgrade the cluster on its hypervisor; yields the plan before anything is done, and at the end what was.

    `seconds` is how long a node may take. Raises UserError or TimedOut where a node did not become healthy.
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
    """The nodes, reached over SSH as the user's configuration says; those of a lab are never meant.

    A node's host key is made when its machine first boots, so the one that the user knows ends with the machine:
    here it is taken as it comes first.
    """
    user_config = ssh.configuration(ssh_config)
    with workspace(paths.state("ssh"), "k") as folder:
        config = folder / "config"
        write_atomic(config, _config(cluster, user_config, folder), mode=0o600)
        with ssh.access(cluster, config) as way:
            yield Running(cluster, way, folder)


def _config(cluster: Cluster, user_config: Path, folder: Path) -> str:
    keys = [
        f'Host {node.name}\n  UserKnownHostsFile "{_key_file(folder, node)}"\n  GlobalKnownHostsFile /dev/null\n'
        for node in cluster.nodes
    ]
    return f'Include "{user_config}"\n{"".join(keys)}Host *\n  StrictHostKeyChecking accept-new\n'


def _key_file(folder: Path, node: Node) -> Path:
    return folder / f"{node.name}.key"


def _unanswered(doors: list[Door]) -> list[Door]:
    with ThreadPoolExecutor(max_workers=max(1, len(doors))) as pool:
        answers = list(pool.map(service_check.check_service, doors))
    return [door for door, answer in zip(doors, answers, strict=True) if not answer["ok"]]


def _shown(door: Door) -> str:
    return endpoint(str(door["address"]), int(str(door["port"])))
