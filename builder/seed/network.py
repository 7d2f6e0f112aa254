"""The network cards of a node, as the template cloud-init/network-config.j2 configures them.

Each card is found by its hardware address where that is known, or else by its one name. A pattern such as `e*` would
give a second card the same address. A card that the spec does not describe is not configured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address

from builder.guests import Facts
from builder.spec.model import Cluster, Node

ANYWHERE, ANYWHERE6 = "0.0.0.0/0", "::/0"
CARDS = ("eth0", "eth1")
"""The names of the first two cards of every guest (net.ifnames=0), in the order of their places in the machine."""


@dataclass(frozen=True)
class HardwareAddresses:
    """The hardware addresses of a node's cards; empty where nobody knows them before the machine exists."""

    primary: str = ""
    management: str = ""


@dataclass(frozen=True)
class Card:
    """One card. `id` is what the network configuration calls it, `routes` are pairs of a network and a router."""

    id: str
    name: str
    mac: str
    addresses: tuple[str, ...]
    routes: tuple[tuple[str, str], ...]
    gateway6: str = ""
    """For releases of cloud-init that know no routes of IPv6."""
    accepts_advertisements: bool = False
    is_needed: bool = True
    """Whether the boot waits for the card; without it, the card is for management and has no IPv6 either."""


Known = Callable[[Cluster, Node], HardwareAddresses]
"""Returns the hardware addresses of a node's machine."""


def spec_addresses(_: Cluster, node: Node) -> HardwareAddresses:
    """The hardware addresses that the spec names."""
    return HardwareAddresses(node.mac or "", node.management_mac or "")


def card_names(cluster: Cluster) -> tuple[str, str]:
    """The names of the cluster's card and of the management card."""
    primary = cluster.network.interface
    management = cluster.management.interface if cluster.management else "auto"
    if primary == "auto":
        primary = next(name for name in CARDS if name != management)
    if management == "auto":
        management = next(name for name in CARDS if name != primary)
    return primary, management


def cards(cluster: Cluster, node: Node, facts: Facts, known: HardwareAddresses) -> Iterator[Card]:
    """The cards that the spec describes. Without netplan, a card's ID is its name (cloud-init 19.4)."""
    primary, management = card_names(cluster)
    yield _primary(cluster, node, facts, ("primary" if facts.network_file else primary, primary, known.primary))
    if cluster.management:
        yield Card(
            "management" if facts.network_file else management,
            management,
            known.management,
            (f"{node.management}/{cluster.management.prefix}",),
            tuple((str(route.to), str(route.via)) for route in cluster.management.routes),
            is_needed=False,
        )


def _primary(cluster: Cluster, node: Node, facts: Facts, names: tuple[str, str, str]) -> Card:
    network = cluster.network
    gateway6 = network.gateway6 if node.address6 else None
    own6 = (f"{node.address6}/{network.prefix6}",) if node.address6 else ()
    return Card(
        *names,
        addresses=(f"{node.address}/{network.prefix}", *own6),
        routes=tuple(_gateways(cluster, gateway6, facts)),
        gateway6=str(gateway6) if gateway6 and not facts.has_ipv6_routes else "",
        accepts_advertisements=bool(node.address6 and not gateway6),
    )


def _gateways(cluster: Cluster, gateway6: IPv6Address | None, facts: Facts) -> Iterator[tuple[str, str]]:
    if cluster.network.gateway:
        yield ANYWHERE, str(cluster.network.gateway)
    if gateway6 and facts.has_ipv6_routes:
        yield ANYWHERE6, str(gateway6)
