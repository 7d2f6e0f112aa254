"""SSH to the nodes: one OpenSSH configuration per run, and waiting until every node accepts a login.

Connections are shared (ControlMaster), because a guest without hardware virtualization takes a second for each new
one. The user's own configuration takes precedence (ssh_config(5): the first value wins).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from builder.core import paths
from builder.core.errors import InvalidOption, TimedOut, UserError
from builder.core.files import workspace, write_atomic
from builder.core.parallel import pause, run_all
from builder.core.quoting import ssh_config_path
from builder.core.run import need, run
from builder.spec.model import Cluster, Node

CONNECT_SECONDS = 10
ATTEMPT_SECONDS = 30
PAUSE_SECONDS = 1
IDLE_SECONDS = 30
LONGEST_SOCKET = 80
"""Bytes of a ControlPath: unix(7) allows 108, and ssh appends a suffix while it connects."""

COMMON = f"""\
Host *
  BatchMode yes
  ConnectTimeout {CONNECT_SECONDS}
  ServerAliveInterval 5
  ServerAliveCountMax 3
"""


@dataclass(frozen=True)
class SshAccess:
    """How to reach the nodes: a configuration for `ssh -F`, and the argv prefix that runs ssh.

    `addresses` has the address of each node by its name, for messages.
    """

    config: Path
    prefix: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)

    def ssh(self, node: Node, *words: str) -> list[str]:
        """Return the command line of ssh to a node; `words` are further options."""
        return [*self.prefix, need("ssh", "openssh-client"), "-F", str(self.config), *words, node.name]


def configuration(path: Path | None) -> Path:
    """Return the OpenSSH configuration to start from: `path`, or else the user's own.

    Raises UserError if `path` is not a file.
    """
    if path is None:
        return Path("~/.ssh/config").expanduser()
    if not path.is_file():
        raise InvalidOption(f"{path} is not a file", hint="name an OpenSSH client configuration")
    return path.absolute()


@contextmanager
def open_access(cluster: Cluster, user_config: Path, prefix: Sequence[str] = ()) -> Iterator[SshAccess]:
    """Write a configuration for this run, which includes the user's, and close the shared connections at the end."""
    with workspace(paths.state("ssh"), "v") as folder:
        addresses = {node.name: str(cluster.login_address(node)) for node in cluster.nodes}
        access = SshAccess(folder / "config", tuple(prefix), addresses)
        write_atomic(access.config, config(cluster, user_config, folder), mode=0o600)
        try:
            yield access
        finally:
            for node in cluster.nodes:
                with suppress(UserError):
                    run(access.ssh(node, "-O", "exit"), timeout=ATTEMPT_SECONDS, check=False)


def config(cluster: Cluster, user_config: Path, sockets: Path) -> str:
    """Return the configuration's text; the control sockets are in the folder `sockets`."""
    hosts = "".join(_host(cluster, number, node, sockets) for number, node in enumerate(cluster.nodes))
    return f'Include "{user_config}"\n{hosts}{COMMON}'


def wait_for(nodes: Iterable[Node], access: SshAccess, *, seconds: float) -> None:
    """Wait until every node runs a command; raises TimedOut, which names each node that did not, and why."""
    targets = tuple(nodes)
    deadline = time.monotonic() + seconds
    errors = run_all([partial(_error_until, node, access, deadline) for node in targets])
    failed = [
        f"{node.name} ({access.addresses.get(node.name, node.address)}): {error}"
        for node, error in zip(targets, errors, strict=True)
        if error
    ]
    if failed:
        lines = "".join(f"\n    {line}" for line in failed)
        raise TimedOut(
            f"not every node accepted an SSH login within {seconds:g} s{lines}",
            hint=f"try it by hand: ssh {targets[0].name}; --ssh-config names a file with user, key or jump host",
        )


def _host(cluster: Cluster, number: int, node: Node, sockets: Path) -> str:
    lines = [f"Host {node.name}", f"  HostName {cluster.login_address(node)}", f"  User {cluster.operator.user}"]
    socket = sockets / str(number)
    if len(str(socket)) <= LONGEST_SOCKET:
        lines += [
            "  ControlMaster auto",
            f"  ControlPath {ssh_config_path(socket)}",
            f"  ControlPersist {IDLE_SECONDS}",
        ]
    return "\n".join(lines) + "\n"


def _error_until(node: Node, access: SshAccess, deadline: float) -> str:
    """Return ssh's last error; empty if a login succeeded before the deadline."""
    while True:
        error = _attempt(node, access)
        if not error or time.monotonic() >= deadline:
            return error
        pause(PAUSE_SECONDS)


def _attempt(node: Node, access: SshAccess) -> str:
    """Log in once; returns ssh's error, or nothing if the login succeeded."""
    try:
        done = run([*access.ssh(node), "true"], timeout=ATTEMPT_SECONDS, check=False)
    except TimedOut:
        return f"no answer within {ATTEMPT_SECONDS} s"
    if done.code == 0:
        return ""
    return (done.err.strip().splitlines() or [f"ssh ended with code {done.code}"])[-1]
