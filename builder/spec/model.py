"""The content of a spec (`cluster.yml`) as frozen pydantic models.

A model checks single values; `builder.spec.checks` has the checks between values.
Editors show the descriptions of the fields (`vipforge schema`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated, cast

from pydantic import AfterValidator, Field, ValidationError

from builder.guests import all_guests, in_order_of_preference
from builder.spec import syntax
from builder.spec.backends import HTTPS, https_port
from builder.spec.environment import Setting, TimeServer
from builder.spec.management import CardName, MacAddress, Management
from builder.spec.presets import Preset, services_of
from builder.spec.problem import UNREADABLE, Loc, UnreadableError
from builder.spec.sections import Certificate, Image, Libvirt, Tls
from builder.spec.service import Service
from builder.spec.ssh_keys import SshKey
from builder.spec.values import (
    Address,
    AnyNetwork,
    Email,
    FilePath,
    FullHostName,
    Gateway6,
    HaproxyVersion,
    HostName,
    IpAddress,
    IpNetwork,
    KeepalivedVersion,
    Label,
    OneOf,
    OwnAddress6,
    Port,
    Prefix,
    SpecModel,
    UserName,
)
from builder.spec.vrrp import PROFILES, Instance, Vrrp

SHORTEST_PREFIX6 = 16
LONGEST_PREFIX6 = 126
MAX_CONNECTIONS = 500_000
"""With two file descriptors each, this is below Linux's limit for a process (fs.nr_open: 1 048 576)."""
HIGHEST_PRIORITY = 254
"""255 is reserved for the owner of the address (RFC 9568, section 5.2.4)."""

Limit = Annotated[float, Field(gt=0, le=3600, strict=True, examples=[0.5])]
*TRIED, LAST = (facts.name for facts in in_order_of_preference())
GuestName = Annotated[
    str,
    OneOf(("auto", *all_guests())),
    Field(
        description=f"The operating system inside; `auto` uses {' or '.join(TRIED)} if its base can be reached, "
        f"and otherwise {LAST}."
    ),
]


class Network(SpecModel):
    """The network of the nodes and the VIPs."""

    prefix: Prefix
    """Prefix length of the nodes' subnet, in bits: 24 is 255.255.255.0."""
    gateway: Address | None = None
    """Default gateway; without it, the nodes have no route out of their subnet."""
    prefix6: Annotated[int, Field(ge=SHORTEST_PREFIX6, le=LONGEST_PREFIX6, strict=True, examples=[64])] | None = None
    """Prefix length of the nodes' IPv6 subnet, in bits; required if nodes have an address6."""
    gateway6: Gateway6 | None = None
    """IPv6 default gateway, in the subnet or link-local."""
    dns: Annotated[tuple[Address, ...], Field(max_length=3)] = ()
    """Name servers: at most three, because a resolver uses no more (resolv.conf(5), MAXNS)."""
    search: Annotated[tuple[HostName, ...], Field(max_length=6), AfterValidator(syntax.search_list)] = ()
    """DNS search domains: at most six with 256 characters, because CentOS 7 uses no more (resolv.conf(5))."""
    ntp: Annotated[tuple[TimeServer, ...], Field(max_length=8)] = ()
    """Time servers, by address or name; the default is the guest's own choice, public servers on the internet."""
    interface: CardName = "auto"
    """The network card that carries the VIPs; `auto` is the card with the node's `mac`, or else `eth0`."""


class Node(SpecModel):
    """One appliance. These keys are its identity, which travels in its seed, never in the image."""

    name: FullHostName
    """Full host name, such as lb1.example.com; alerts use it to greet the mail server."""
    address: Address
    """Its own address in the subnet."""
    address6: OwnAddress6 | None = None
    """Its own IPv6 address; required if there are IPv6 VIPs."""
    priority: Annotated[int | None, Field(ge=1, le=HIGHEST_PRIORITY, strict=True, examples=[254])] = None
    """VRRP priority: the healthy node with the highest priority holds the VIPs. If no node has one, priorities follow
    from the nodes' order and the profile: 254, 253 and so on, or 101, 100 in `classic`."""
    alert_sender: Email | None = None
    """Sender of this node's alerts; the default is keepalived@ followed by the node's name."""
    mac: MacAddress | None = None
    """Hardware address of its network card, for machines that vipforge does not create."""
    management: Address | None = None
    """Its address in the management subnet; required if there is the section `management`."""
    management_mac: MacAddress | None = None
    """Hardware address of its management card; required if there is a `mac`."""


class Alerts(SpecModel):
    """E-mail that keepalived sends when a node changes state."""

    recipients: Annotated[tuple[Email, ...], Field(min_length=1, examples=[["ops@example.com"]])]
    """The recipients of the mail."""
    smtp_server: Address
    """Address of the SMTP server (old releases of keepalived do not accept a name: keepalived#239)."""
    timeout: Annotated[int, Field(ge=1, le=300, strict=True)] = 30
    """Seconds to wait for the SMTP server."""


class Statistics(SpecModel):
    """HAProxy's statistics page, on each node's own address and not on the VIPs."""

    port: Port = 8404
    """Its port."""
    user: UserName = "stats"
    """The login name."""
    password: FilePath
    """File with the password in its first line; it is read when seeds are made, and travels in them."""


class Operator(SpecModel):
    """The account that people log in with."""

    user: UserName = "ops"
    """Login name. The account can use sudo without a password and has no password itself."""
    ssh_keys: tuple[SshKey, ...] = ()
    """SSH public keys, each the line of a .pub file; options, as authorized_keys may have them, are refused."""


class ProofLimits(SpecModel):
    """How long clients may wait (for the defaults, see docs/proof.md)."""

    limits: dict[Label, Limit] = Field(default={})
    """The longest permitted outage of each scenario, in seconds; `vipforge scenarios` lists the scenarios."""


class Haproxy(SpecModel):
    """HAProxy itself."""

    source: HaproxyVersion | None = None
    """A release to compile from source; the default is the distribution's package."""
    maxconn: Annotated[int, Field(ge=100, le=MAX_CONNECTIONS, strict=True, examples=[10000])] | None = None
    """Client connections that a node serves at the same time; further ones wait. The default is what the node's memory
    (`libvirt.memory_mib`) can hold."""


class Cluster(SpecModel):
    """What one spec file describes: nodes that share virtual IP addresses, with HAProxy on each."""

    cluster: Label
    """Name of the cluster; files and folders are named after it."""
    guest: GuestName = "auto"
    keepalived: KeepalivedVersion | None = None
    """Version of keepalived, built from source; the default is the guest's default, or a newer one if the profile
    needs it."""
    snmp: Annotated[bool, Field(strict=True)] = False
    """Whether keepalived is built with SNMP and answers read-only queries through the nodes' snmpd."""
    haproxy: Haproxy = Haproxy()
    """HAProxy itself."""
    network: Network
    """The network of the nodes and the VIPs."""
    management: Management | None = None
    """A second network card in every node, for operators only; off by default."""
    vrrp: Vrrp
    """How the VIPs move between the nodes."""
    nodes: Annotated[tuple[Node, ...], Field(min_length=2, max_length=8)]
    """The nodes: two to eight."""
    alerts: Alerts | None = None
    """E-mail that keepalived sends when a node changes state; off by default."""
    services: tuple[Service, ...] = ()
    """What the VIPs offer."""
    trusted_proxies: tuple[AnyNetwork, ...] = ()
    """The proxies in front of the VIPs, for services that do not list their own."""
    presets: tuple[Preset, ...] = ()
    """Known applications: each preset stands for all services of one application."""
    tls: Tls = Tls()
    """Certificates, and the TLS settings for clients."""
    statistics: Statistics | None = None
    """HAProxy's statistics page; off by default."""
    proof: ProofLimits = ProofLimits()
    """How long clients may wait when something breaks."""
    operator: Operator = Operator()
    """The account that people log in with."""
    image: Image = Image()
    """The disk, and the source of its packages."""
    sysctl: dict[str, Setting] = Field(default={})
    """Settings of the nodes' kernel, by their names in sysctl(8); they override the appliance's own."""
    libvirt: Libvirt = Libvirt()
    """Where `vipforge deploy libvirt` creates the nodes."""

    def subnet(self) -> IPv4Network:
        """The nodes' subnet, from the first node's address and the prefix."""
        return IPv4Interface(f"{self.nodes[0].address}/{self.network.prefix}").network

    def management_subnet(self) -> IPv4Network | None:
        """The management subnet; None if there is none."""
        if self.management is None:
            return None
        return IPv4Interface(f"{self.nodes[0].management}/{self.management.prefix}").network

    def login_address(self, node: Node) -> IPv4Address:
        """The address on which a node's SSH server listens."""
        return self._chosen(node, managed=self.management is not None and self.management.ssh)

    def statistics_address(self, node: Node) -> IPv4Address:
        """The address on which a node's statistics page listens."""
        return self._chosen(node, managed=self.management is not None and self.management.statistics)

    @staticmethod
    def _chosen(node: Node, *, managed: bool) -> IPv4Address:
        return node.management if managed and node.management else node.address

    def subnet6(self) -> IPv6Network | None:
        """The nodes' IPv6 subnet; None if no node has an IPv6 address."""
        own = next((node.address6 for node in self.nodes if node.address6), None)
        return IPv6Interface(f"{own}/{self.network.prefix6}").network if own else None

    def on_interface(self, vip: IPv4Address | IPv6Address) -> str:
        """A VIP with the prefix length that it has on an interface.

        An IPv6 VIP gets the full length: keepalived then adds it with a preferred lifetime of 0, so that the node does
        not choose it as a source address (RFC 6724, section 5, rule 3). The node's own address has the link's prefix.
        """
        return f"{vip}/{self.network.prefix if isinstance(vip, IPv4Address) else vip.max_prefixlen}"

    def ranking(self, instance: Instance) -> tuple[Node, ...]:
        """The nodes in the order in which they become master of an instance."""
        preferred = self.node(instance.prefer) if instance.prefer else None
        return tuple(sorted(self.nodes, key=lambda node: (node != preferred, -self.own_priority(node))))

    def priority(self, node: Node, instance: Instance) -> int:
        """A node's priority in an instance, in which the preferred node gets the highest of the nodes' priorities."""
        priorities = sorted(map(self.own_priority, self.nodes), reverse=True)
        return priorities[self.ranking(instance).index(node)]

    def own_priority(self, node: Node) -> int:
        """A node's priority if no instance prefers another node: from the spec, or by its position among the nodes."""
        if node.priority is not None:
            return node.priority
        return PROFILES[self.vrrp.profile].highest - self.nodes.index(node)

    def node(self, name: str) -> Node | None:
        """The node with that full or short name; None if there is none."""
        return next((node for node in self.nodes if name in (node.name, node.name.split(".")[0])), None)

    def certificate(self, name: str) -> Certificate | None:
        """The certificate with that name; None if there is none."""
        return next((each for each in self.tls.certificates if each.name == name), None)

    def ports(self) -> tuple[int, ...]:
        """Every TCP port on which HAProxy accepts connections from the nodes' subnet and beyond, in order."""
        elsewhere = self.management is not None and self.management.statistics
        own = {self.statistics.port} if self.statistics and not elsewhere else set()
        return tuple(sorted({service.port for service in self.services} | own))

    def proxies_before(self, service: Service) -> tuple[IpNetwork, ...]:
        """The trusted proxies of a service: its own list, or the cluster's."""
        return self.trusted_proxies if service.trusted_proxies is None else service.trusted_proxies

    def redirect_ports(self, service: Service) -> dict[IpAddress, int | None]:
        """The port on which each VIP of a redirecting service offers https.

        With trusted proxies, https is theirs where the VIP has none; None if nobody offers it.
        """
        others = [each for _, each in self.placed_services()]
        elsewhere = HTTPS if self.proxies_before(service) else None
        return {vip: https_port(others, vip) or elsewhere for vip in service.vips or self.vrrp.vips}

    def expanded(self) -> Cluster:
        """The cluster with its presets replaced by their services, each with the proxies that it trusts."""
        services = (service for _, service in self.placed_services())
        own = tuple(each.model_copy(update={"trusted_proxies": self.proxies_before(each)}) for each in services)
        return self.model_copy(update={"services": own, "presets": ()})

    def placed_services(self) -> list[tuple[Loc, Service]]:
        """Every service with its place in the spec; a preset's services have the place of the preset.

        A preset that has problems of its own, in a partial cluster (`builder.spec.partial`), is an unreadable service.
        """
        placed: list[tuple[Loc, Service]] = [(("services", index), each) for index, each in enumerate(self.services)]
        for index, preset in enumerate(self.presets):
            try:
                placed += [(("presets", index), service) for service in services_of(preset)]
            except (UnreadableError, ValidationError):
                placed.append((("presets", index), cast("Service", UNREADABLE)))
        return placed

    def own_addresses(self) -> tuple[IpAddress, ...]:
        """The addresses of the nodes, and the VIPs."""
        own6 = (node.address6 for node in self.nodes if node.address6)
        return (*(node.address for node in self.nodes), *own6, *self.vrrp.vips)
