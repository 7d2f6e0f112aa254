"""The lab's network: one bridge that the nodes' network cards and the client share, and one for management cards.

A Linux bridge is both a switch and the host's own card on it. The lab's namespace therefore is the client: its bridge
has the gateway's address, because the client is also the router, and the addresses of the servers behind the cluster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from builder.core.errors import UserError
from builder.core.run import need, run
from builder.lab.state import Lab
from builder.seed.network import HardwareAddresses
from builder.spec.backends import backends
from builder.spec.environment import ADDRESS
from builder.spec.model import Cluster, Node
from builder.spec.values import IpAddress

BRIDGE, MANAGEMENT_BRIDGE = "br0", "br1"
SECONDS = 30


def build(lab: Lab) -> None:
    """Make the bridge, a tap for each node, and the addresses."""
    run([*lab.keeper.inside(), need("ip", "iproute2"), "-batch", "-"], stdin=commands(lab.cluster), timeout=SECONDS)


def commands(cluster: Cluster) -> str:
    """Return the input of `ip -batch`."""
    lines = bridge_commands(cluster)
    for node in cluster.nodes:
        for port, bridge in ports(cluster, node).items():
            lines += [f"tuntap add dev {port} mode tap", f"link set {port} master {bridge} up"]
    return "\n".join(lines) + "\n"


def bridge_commands(cluster: Cluster) -> list[str]:
    """Return the lines that make the bridges, with the addresses of the client and of the stub servers."""
    return [
        "link set lo up",
        _add_bridge(BRIDGE),
        f"address add {client_address(cluster)}/{cluster.network.prefix} dev {BRIDGE}",
        *(add_address(address, cluster.network.prefix6, BRIDGE) for address in client_addresses6(cluster)),
        *(add_address(address, address.max_prefixlen, BRIDGE) for address in stub_addresses(cluster)),
        f"link set {BRIDGE} up",
        *_management_commands(cluster),
    ]


def _management_commands(cluster: Cluster) -> list[str]:
    """Return the lines that make the bridge of the management cards; the client is the first router there, too."""
    subnet = cluster.management_subnet()
    if cluster.management is None or subnet is None:
        return []
    routers = {route.via for route in cluster.management.routes}
    taken = {node.management for node in cluster.nodes}
    own = routers or {_highest_free(subnet, taken)}
    return [
        _add_bridge(MANAGEMENT_BRIDGE),
        *(add_address(address, cluster.management.prefix, MANAGEMENT_BRIDGE) for address in sorted(own)),
        f"link set {MANAGEMENT_BRIDGE} up",
    ]


def _add_bridge(name: str) -> str:
    """Return the line that makes a bridge. With snooping, one that hears no IGMP querier drops VRRP's multicast."""
    return f"link add {name} type bridge mcast_snooping 0 stp_state 0 forward_delay 0"


def add_address(address: IpAddress, prefix: int | None, device: str) -> str:
    """Return the line that gives a device an address. No IPv6 address is used twice here, so DAD is turned off."""
    return f"address add {address}/{prefix} dev {device}{' nodad' if isinstance(address, IPv6Address) else ''}"


def client_address(cluster: Cluster) -> IPv4Address:
    """Return the client's address: the gateway's, or else the highest free one of the subnet.

    Raises UserError if the subnet has no free address.
    """
    if cluster.network.gateway:
        return cluster.network.gateway
    return _highest_free(cluster.subnet(), {*cluster.own_addresses(), *_named_addresses(cluster)})


def _highest_free(subnet: IPv4Network, taken: Collection[IpAddress | None]) -> IPv4Address:
    hosts = (subnet[number] for number in range(subnet.num_addresses - 2, 0, -1))
    free = next((address for address in hosts if address not in taken), None)
    if free is None:
        raise UserError(f"{subnet} has no address left for the lab's client", hint="use a shorter prefix")
    return free


def client_addresses6(cluster: Cluster) -> tuple[IPv6Address, ...]:
    """Return the client's IPv6 addresses: one in the nodes' subnet, and the gateway's if that is link-local."""
    subnet, gateway = cluster.subnet6(), cluster.network.gateway6
    if subnet is None:
        return ()
    if gateway and gateway in subnet:
        return (gateway,)
    taken = {*cluster.own_addresses(), *_named_addresses(cluster)}
    highest = range(int(subnet.broadcast_address), int(subnet.network_address), -1)
    own = next(address for address in map(IPv6Address, highest) if address not in taken)
    return (own, gateway) if gateway else (own,)


def stub_addresses(cluster: Cluster) -> tuple[IpAddress, ...]:
    """Return the addresses of the servers, the SMTP server, the time servers and DNS.

    DNS queries are refused instead of timing out.
    """
    clients = {client_address(cluster), *client_addresses6(cluster)}
    others = set(_named_addresses(cluster)) - set(cluster.own_addresses()) - clients
    return tuple(sorted(others, key=lambda address: (address.version, int(address))))


def tap(cluster: Cluster, node: Node) -> str:
    """Return the name of the bridge's port for a node's card."""
    return f"tap{cluster.nodes.index(node)}"


def ports(cluster: Cluster, node: Node) -> dict[str, str]:
    """Return the ports for a node's cards, in the order of the cards, each with its bridge."""
    number = cluster.nodes.index(node)
    return {tap(cluster, node): BRIDGE} | ({f"mgmt{number}": MANAGEMENT_BRIDGE} if cluster.management else {})


def macs(cluster: Cluster, node: Node) -> HardwareAddresses:
    """Return the hardware addresses of the node's cards: the spec's, or else stable ones of QEMU's range."""
    return HardwareAddresses(
        node.mac or _mac(cluster.cluster, node.name),
        (node.management_mac or _mac(cluster.cluster, node.name, "management")) if cluster.management else "",
    )


def _mac(*names: str) -> str:
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def in_lab(cluster: Cluster) -> Cluster:
    """Return the cluster without the names of its cards, which differ between here and another machine."""
    network = cluster.network.model_copy(update={"interface": "auto"})
    management = cluster.management and cluster.management.model_copy(update={"interface": "auto"})
    return cluster.model_copy(update={"network": network, "management": management})


def _named_addresses(cluster: Cluster) -> tuple[IpAddress, ...]:
    behind = (backend for service in cluster.services for backend in backends(service))
    servers = (server.address for backend in behind for server in backend.servers)
    smtp = (cluster.alerts.smtp_server,) if cluster.alerts else ()
    times = (ip_address(server) for server in cluster.network.ntp if ADDRESS.search(server))
    return (*servers, *smtp, *cluster.network.dns, *times)
