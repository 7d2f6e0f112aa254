"""The pair: a switch that is also the client and the farm, and a node in namespaces on each of its ports.

Everything hangs on the switch's first process, and that on the process that called `pair`: when either ends, however
it ends, the kernel ends the daemons and frees networks and mounts with them (prctl(2), pid_namespaces(7)).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from builder import paths
from builder.errors import HostLacks
from builder.files import workspace, write_atomic
from builder.guests import Facts
from builder.identity.private import files
from builder.lab import farm, holder, init, network
from builder.lab.background import launch
from builder.lab.holder import Holder
from builder.lab.netns.node import HERE, INTERFACE, SECONDS, NetnsNode
from builder.render import appliance, payload
from builder.run import need, run
from builder.spec.model import Cluster, Node

SWITCH = ("--net", "--pid", "--fork", "--kill-child")
NODE = ("--mount", "--uts", *SWITCH)
PROGRAMS = {"haproxy": "haproxy", "killall": "psmisc", "ip": "iproute2", "nsenter": "util-linux"}
"""What must be on this host, and the Debian package that has it. The classic profile calls killall."""


@dataclass(frozen=True)
class Pair:
    """A cluster's nodes in namespaces, and their client."""

    cluster: Cluster
    switch: Holder
    nodes: tuple[NetnsNode, ...]

    def client(self) -> list[str]:
        """The words before a command that is to run where the clients are."""
        return self.switch.client()

    def serve(self) -> None:
        """Give every node its identity and start its daemons."""
        for node in self.nodes:
            node.identify()
            node.begin("haproxy")
            node.watch()
            node.begin("keepalived")

    def holders(self, vip: object) -> list[str]:
        """The names of the nodes that hold a VIP now."""
        return [node.spec.name for node in self.nodes if node.holds(vip)]


@contextmanager
def pair(cluster: Cluster, facts: Facts, version: str, build: Path) -> Iterator[Pair]:
    """The cluster's nodes, with their files and identities in place and no daemon started yet.

    `build` is the tar of keepalived `version` (builder.roots.keepalived). Raises HostLacks where this host has no
    HAProxy or does not allow namespaces.
    """
    check_host()
    with workspace(paths.state("netns"), cluster.cluster) as folder:
        switch = _holder(["setpriv", "--pdeathsig", "KILL", "--"], SWITCH, folder)
        try:
            _wire_switch(cluster, switch, folder)
            tars = (build, _payload(cluster, facts, version, folder))
            yield Pair(cluster, switch, tuple(_node(cluster, node, switch, tars, folder) for node in cluster.nodes))
        finally:
            switch.end()


def check_host() -> None:
    """Raise HostLacks where this host cannot have the pair."""
    if os.geteuid() != 0:
        raise HostLacks("the netns lab mounts overlays and needs root", hint="run it as root, or use `vipforge lab`")
    for program, package in PROGRAMS.items():
        need(program, package)


def _holder(prefix: list[str], namespaces: tuple[str, ...], folder: Path) -> Holder:
    """A first process in namespaces of its own, noted in `folder`."""
    argv = [*prefix, "unshare", *namespaces, "--", sys.executable, "-I", init.__file__, str(folder / holder.RECORD)]
    return launch(argv, lambda: holder.find(folder), "a first process", log=folder / holder.LOG, limit=SECONDS)


def _wire_switch(cluster: Cluster, switch: Holder, folder: Path) -> None:
    """The bridge with the client's and the servers' addresses, and the servers behind it."""
    _ip(switch.client(), network.switch(cluster))
    write_atomic(folder / farm.PLAN, json.dumps([asdict(each) for each in farm.stand_ins(cluster)]))
    words = [*switch.inside(), sys.executable, "-m", "builder.lab.servers", str(folder)]
    launch(words, (folder / farm.READY).exists, "the farm", log=folder / farm.LOG, limit=SECONDS)


def _payload(cluster: Cluster, facts: Facts, version: str, folder: Path) -> Path:
    tar = folder / "payload.tar"
    tar.write_bytes(payload(appliance(cluster, facts, version)))
    return tar


def _node(cluster: Cluster, node: Node, switch: Holder, tars: tuple[Path, ...], folder: Path) -> NetnsNode:
    own = folder / node.name
    layers = own / "layers"
    layers.mkdir(parents=True)
    made = NetnsNode(cluster, node, _holder(switch.inside(), NODE, own), own)
    made.run("/bin/sh", str(HERE / "private-root.sh"), str(layers))
    for tar in tars:
        made.run("tar", "--extract", "--no-same-owner", "--file", str(tar), "--directory", "/")
    _wire_node(made, switch)
    made.run("sysctl", "--quiet", "--load=/etc/sysctl.d/60-vipforge.conf")
    for path, content in files(cluster, node).items():
        made.run("install", "-D", "-m", "0600", "/dev/stdin", path, stdin=content)
    return made


def _wire_node(node: NetnsNode, switch: Holder) -> None:
    """A cable from the node to a port of the switch, and the node's address."""
    port, cluster = network.tap(node.cluster, node.spec), node.cluster
    _ip(
        switch.client(),
        [
            f"link add {port} type veth peer name {INTERFACE} netns {node.holder.pid}",
            f"link set {port} master {network.BRIDGE} up",
        ],
    )
    addresses = [network.add(node.spec.address, cluster.network.prefix, INTERFACE)]
    if node.spec.address6:
        addresses.append(network.add(node.spec.address6, cluster.network.prefix6, INTERFACE))
    _ip(node.inside(), ["link set lo up", *addresses, f"link set {INTERFACE} up", *_routes(node)])


def _routes(node: NetnsNode) -> list[str]:
    asked = node.cluster.network
    found = [f"route add default via {asked.gateway}"] if asked.gateway else []
    return found + ([f"route add default via {asked.gateway6} dev {INTERFACE}"] if asked.gateway6 else [])


def _ip(where: list[str], lines: list[str]) -> None:
    run([*where, need("ip", "iproute2"), "-batch", "-"], stdin="\n".join(lines) + "\n", timeout=SECONDS)
