"""The way to the nodes: one OpenSSH configuration for a run, and waiting until each node lets us in.

Connections are shared (ControlMaster), because a guest without hardware virtualisation takes a second for each
new one. What the user's own configuration says of a node goes first (ssh_config(5): the first value wins).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from builder.core import paths
from builder.core.errors import TimedOut, UserError
from builder.core.files import workspace, write_atomic
from builder.core.run import need, run
from builder.spec.model import Cluster, Node

CONNECT_SECONDS = 10
ATTEMPT_SECONDS = 30
PAUSE_SECONDS = 1
IDLE_SECONDS = 30
LONGEST_SOCKET = 80
"""Bytes of a ControlPath: unix(7) takes 108, and ssh adds a suffix of its own while it connects."""

COMMON = f"""\
Host *
  BatchMode yes
  ConnectTimeout {CONNECT_SECONDS}
  ServerAliveInterval 5
  ServerAliveCountMax 3
"""


@dataclass(frozen=True)
class SshAccess:
    """How to reach the nodes: a configuration for `ssh -F`, and the argv prefix that it is run with."""

    config: Path
    prefix: tuple[str, ...] = ()

    def ssh(self, node: Node, *words: str) -> list[str]:
        """The command line of an ssh to that node."""
        return [*self.prefix, need("ssh", "openssh-client"), "-F", str(self.config), *words, node.name]


def configuration(named: Path | None) -> Path:
    """The OpenSSH configuration to begin with: the one that was named, or the user's own.

    Raises UserError where the named one is no file.
    """
    if named is None:
        return Path("~/.ssh/config").expanduser()
    if not named.is_file():
        raise UserError(f"{named} is no file", hint="give an OpenSSH client configuration")
    return named.absolute()


@contextmanager
def access(cluster: Cluster, user_config: Path, prefix: Sequence[str] = ()) -> Iterator[SshAccess]:
    """A configuration for this run, which reads the user's first; shared connections are closed at the end."""
    with workspace(paths.state("ssh"), "v") as folder:
        way = SshAccess(folder / "config", tuple(prefix))
        write_atomic(way.config, config(cluster, user_config, folder), mode=0o600)
        try:
            yield way
        finally:
            for node in cluster.nodes:
                with suppress(UserError):
                    run(way.ssh(node, "-O", "exit"), timeout=ATTEMPT_SECONDS, check=False)


def config(cluster: Cluster, user_config: Path, sockets: Path) -> str:
    """The configuration's text; control sockets lie in the folder `sockets`."""
    hosts = "".join(_host(cluster, number, node, sockets) for number, node in enumerate(cluster.nodes))
    return f'Include "{user_config}"\n{hosts}{COMMON}'


def wait_for(nodes: Iterable[Node], way: SshAccess, *, seconds: float) -> None:
    """Wait until every node runs a command of ours; raises TimedOut, which names those that did not and why."""
    asked = tuple(nodes)
    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(max_workers=len(asked)) as pool:
        words = list(pool.map(lambda node: _refusal(node, way, deadline), asked))
    silent = [f"{node.name} ({node.address}): {word}" for node, word in zip(asked, words, strict=True) if word]
    if silent:
        lines = "".join(f"\n    {line}" for line in silent)
        raise TimedOut(
            f"not every node let us in over SSH within {seconds:g} s{lines}",
            hint=f"try it by hand: ssh {asked[0].name}; --ssh-config names a file with user, key or jump host",
        )


def _host(cluster: Cluster, number: int, node: Node, sockets: Path) -> str:
    lines = [f"Host {node.name}", f"  HostName {node.address}", f"  User {cluster.operator.user}"]
    socket = sockets / str(number)
    if len(str(socket)) <= LONGEST_SOCKET:
        lines += ["  ControlMaster auto", f'  ControlPath "{socket}"', f"  ControlPersist {IDLE_SECONDS}"]
    return "\n".join(lines) + "\n"


def _refusal(node: Node, way: SshAccess, deadline: float) -> str:
    """What ssh said last; empty when the node let us in before the deadline."""
    while True:
        word = _attempt(node, way)
        if not word or time.monotonic() >= deadline:
            return word
        time.sleep(PAUSE_SECONDS)


def _attempt(node: Node, way: SshAccess) -> str:
    try:
        done = run([*way.ssh(node), "true"], timeout=ATTEMPT_SECONDS, check=False)
    except TimedOut:
        return f"no answer in {ATTEMPT_SECONDS} s"
    if done.code == 0:
        return ""
    return (done.err.strip().splitlines() or [f"ssh ended with code {done.code}"])[-1]
