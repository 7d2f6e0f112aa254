"""A pair of nodes as network namespaces on this host, running the real daemons."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from builder.core import paths
from builder.core.errors import HostLacks
from builder.core.files import workspace, write_atomic
from builder.core.run import Completed, need, run
from builder.core.waiting import launch, until
from builder.guests import Facts
from builder.lab import init, network, state, stubs
from builder.lab.state import NamespaceKeeper
from builder.render import appliance, payload
from builder.seed.identity import identity_files
from builder.seed.network import CARDS
from builder.spec.model import Cluster, Node

HERE = Path(__file__).parent
INTERFACE = CARDS[0]
SECONDS = 30
IDENTITY_SECONDS = 90
"""The identity program itself waits 60 s for the node's address."""
WATCH_UNIT = "/etc/systemd/system/vipforge-watch.service"
SWITCH_NAMESPACES = ("--net", "--pid", "--fork", "--kill-child")
NODE_NAMESPACES = ("--mount", "--uts", *SWITCH_NAMESPACES)
PROGRAMS = {"haproxy": "haproxy", "killall": "psmisc", "ip": "iproute2", "nsenter": "util-linux"}
"""The programs that this host must have, and the Debian package of each. The classic profile calls killall."""

Daemon = Literal["haproxy", "keepalived"]


@dataclass(frozen=True)
class NetnsNode:
    """One node. `folder` is on the host, and contains the daemons' logs."""

    cluster: Cluster
    spec: Node
    keeper: NamespaceKeeper
    folder: Path

    def inside(self, *argv: str) -> list[str]:
        """Return the command line that runs a command on the node."""
        namespaces = ("--net", "--mount", "--uts", "--pid")
        return ["nsenter", "--target", str(self.keeper.pid), *namespaces, "--wd=/", "--", *argv]

    def run(self, *argv: str, stdin: str | None = None, check: bool = True) -> Completed:
        """Run a command on the node and wait until it ends."""
        return run(self.inside(*argv), timeout=SECONDS, stdin=stdin, check=check)

    def path(self, guest_path: str) -> Path:
        """Return the host's path to a file of the node."""
        return Path(f"/proc/{self.keeper.pid}/root{guest_path}")

    def identify(self) -> None:
        """Run the guest's own identity program; raises CommandFailed if it refuses the identity."""
        run(self.inside("/usr/libexec/vipforge/identity"), timeout=IDENTITY_SECONDS)

    def begin(self, daemon: Daemon) -> None:
        """Start a daemon; returns when it runs or, for HAProxy, when it serves."""
        ready = self._haproxy_serves if daemon == "haproxy" else lambda: bool(self.pids(daemon))
        argv = self.inside("/bin/sh", str(HERE / "netns-service.sh"), daemon)
        launch(argv, ready, f"{daemon} of {self.spec.name}", log=self.folder / f"{daemon}.log", limit=SECONDS)

    def watch(self) -> None:
        """Start the watch, which asks HAProxy for an answer, if the profile has one."""
        if self.path(WATCH_UNIT).exists():
            argv = self.inside("/bin/sh", str(HERE / "netns-service.sh"), "watch")
            launch(argv, lambda: True, f"the watch of {self.spec.name}", log=self.folder / "watch.log", limit=SECONDS)

    def signal(self, daemon: Daemon, name: str) -> None:
        """Send a signal, such as `KILL`, to every process of a daemon."""
        # Not checked: a child that keepalived started for a script may have ended by now.
        self.run("kill", f"-{name}", *self.pids(daemon), check=False)

    def end(self, daemon: Daemon) -> None:
        """Terminate a daemon; returns when it has ended."""
        self.signal(daemon, "TERM")
        until(lambda: not self.pids(daemon), f"{daemon} of {self.spec.name} to end", limit=SECONDS)

    def pids(self, daemon: Daemon) -> list[str]:
        """Return the daemon's process ids on the node."""
        return self.run("pidof", daemon, check=False).out.split()

    def holds(self, vip: object) -> bool:
        """Return whether the VIP is on the node's interface."""
        return bool(self.run("ip", "-o", "address", "show", "to", str(vip)).out.strip())

    def _haproxy_serves(self) -> bool:
        state = self.path("/run/vipforge/haproxy-down")
        return bool(self.pids("haproxy")) and state.exists() and state.read_text().strip() == "0"


@dataclass(frozen=True)
class NamespacedPair:
    """A cluster's nodes in namespaces, and their client."""

    cluster: Cluster
    switch: NamespaceKeeper
    nodes: tuple[NetnsNode, ...]
    folder: Path
    """The folder of the files of the nodes and the stub servers."""

    def client(self) -> list[str]:
        """Return the argv prefix that runs a command where the clients are."""
        return self.switch.client()

    def serve(self) -> None:
        """Give every node its identity and start its daemons."""
        for node in self.nodes:
            node.identify()
            node.begin("haproxy")
            node.watch()
            node.begin("keepalived")

    def holders(self, vip: object) -> list[str]:
        """Return the names of the nodes that hold a VIP now."""
        return [node.spec.name for node in self.nodes if node.holds(vip)]


@contextmanager
def pair(cluster: Cluster, facts: Facts, version: str, build: Path) -> Iterator[NamespacedPair]:
    """Create the cluster's nodes with their files and identities; no daemon runs yet.

    `build` is the tar of keepalived `version` (builder.rootfs.compiled). Raises HostLacks if this host has no
    HAProxy or does not allow namespaces.
    """
    check_host()
    with workspace(paths.state("netns"), cluster.cluster) as folder:
        switch = _start_keeper(["setpriv", "--pdeathsig", "KILL", "--"], SWITCH_NAMESPACES, folder)
        try:
            _start_switch(cluster, switch, folder)
            tars = (build, _payload(cluster, facts, version, folder))
            nodes = tuple(_start_node(cluster, node, switch, tars, folder) for node in cluster.nodes)
            yield NamespacedPair(cluster, switch, nodes, folder)
        finally:
            switch.end()


def check_host() -> None:
    """Raise HostLacks if this host cannot run the pair."""
    if os.geteuid() != 0:
        raise HostLacks("the netns lab mounts overlays and needs root", hint="run it as root, or use `vipforge lab`")
    for program, package in PROGRAMS.items():
        need(program, package)


def _start_keeper(prefix: list[str], namespaces: tuple[str, ...], folder: Path) -> NamespaceKeeper:
    """Start a first process in new namespaces; its record and log are in `folder`."""
    argv = [*prefix, "unshare", *namespaces, "--", sys.executable, "-I", init.__file__, str(folder / state.RECORD)]
    return launch(argv, lambda: state.find_keeper(folder), "a first process", log=folder / state.LOG, limit=SECONDS)


def _start_switch(cluster: Cluster, switch: NamespaceKeeper, folder: Path) -> None:
    """Make the bridge with the addresses of the client and the servers, and start the stub servers behind it."""
    _ip(switch.client(), network.bridge_commands(cluster))
    write_atomic(folder / stubs.PLAN, json.dumps([asdict(each) for each in stubs.stub_servers(cluster)]))
    argv = [*switch.inside(), sys.executable, "-m", "builder.lab.stubs.servers", str(folder)]
    launch(argv, (folder / stubs.READY).exists, "the stub servers", log=folder / stubs.LOG, limit=SECONDS)


def _payload(cluster: Cluster, facts: Facts, version: str, folder: Path) -> Path:
    tar = folder / "payload.tar"
    tar.write_bytes(payload(appliance(cluster, facts, version)))
    return tar


def _start_node(
    cluster: Cluster, spec: Node, switch: NamespaceKeeper, tars: tuple[Path, ...], folder: Path
) -> NetnsNode:
    node_folder = folder / state.NODES / spec.name
    layers = node_folder / "layers"
    layers.mkdir(parents=True)
    node = NetnsNode(cluster, spec, _start_keeper(switch.inside(), NODE_NAMESPACES, node_folder), node_folder)
    node.run("/bin/sh", str(HERE / "netns-root.sh"), str(layers))
    for tar in tars:
        node.run("tar", "--extract", "--no-same-owner", "--file", str(tar), "--directory", "/")
    _connect(node, switch)
    node.run("sysctl", "--quiet", "--load=/etc/sysctl.d/60-vipforge.conf")
    for path, content in identity_files(network.in_lab(cluster), spec).items():
        node.run("install", "-D", "-m", "0600", "/dev/stdin", path, stdin=content)
    return node


def _connect(node: NetnsNode, switch: NamespaceKeeper) -> None:
    """Connect the node's cards to ports of the switch, and give them their addresses and routes."""
    cluster = node.cluster
    for card, (port, bridge) in zip(CARDS, network.ports(cluster, node.spec).items(), strict=False):
        _ip(
            switch.client(),
            [
                f"link add {port} type veth peer name {card} netns {node.keeper.pid}",
                f"link set {port} master {bridge} up",
            ],
        )
    addresses = [network.add_address(node.spec.address, cluster.network.prefix, INTERFACE)]
    if node.spec.address6:
        addresses.append(network.add_address(node.spec.address6, cluster.network.prefix6, INTERFACE))
    _ip(node.inside(), ["link set lo up", *addresses, f"link set {INTERFACE} up", *_routes(node), *_management(node)])


def _management(node: NetnsNode) -> list[str]:
    management, card = node.cluster.management, CARDS[1]
    if management is None or node.spec.management is None:
        return []
    return [
        network.add_address(node.spec.management, management.prefix, card),
        f"link set {card} up",
        *(f"route add {route.to} via {route.via}" for route in management.routes),
    ]


def _routes(node: NetnsNode) -> list[str]:
    spec = node.cluster.network
    routes = [f"route add default via {spec.gateway}"] if spec.gateway else []
    return routes + ([f"route add default via {spec.gateway6} dev {INTERFACE}"] if spec.gateway6 else [])


def _ip(prefix: list[str], lines: list[str]) -> None:
    run([*prefix, need("ip", "iproute2"), "-batch", "-"], stdin="\n".join(lines) + "\n", timeout=SECONDS)
