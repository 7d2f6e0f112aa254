"""A connected KVM host, and where a cluster's nodes go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import fromstring

from builder.deploy.libvirt import LibvirtOptions, binding, translate_errors
from builder.deploy.libvirt.domains import Domains, Link
from builder.deploy.libvirt.pool import Pool
from builder.host.qemu import accelerator
from builder.spec.model import Cluster

NETWORK = "default"
NO_OPTIONS = LibvirtOptions()


class Host:
    """A connection to one host: its storage pool and its domains."""

    def __init__(self, uri: str, connection: Any, pool: str) -> None:  # noqa: ANN401 - libvirt has no types
        self.uri = uri
        self.pool = Pool(uri, connection, pool)
        self.domains = Domains(uri, connection)
        self._connection = connection
        self._virtualization = ""

    def virtualization(self) -> str:
        """Return `kvm` if guests can use it, else `qemu`; kept, because libvirt takes a second to find out."""
        if not self._virtualization:
            self._virtualization = "kvm" if self._offers_kvm() and self._starts_kvm() else "qemu"
        return self._virtualization

    def _offers_kvm(self) -> bool:
        with translate_errors(self.uri):
            guests = fromstring(self._connection.getCapabilities()).iter("guest")  # noqa: S314 - libvirt's own
        return any(domain.get("type") == "kvm" for guest in guests for domain in guest.iter("domain"))

    def _starts_kvm(self) -> bool:
        """Return whether KVM also starts guests: libvirt only looks for /dev/kvm, on this host vipforge has tried."""
        return bool(urlsplit(self.uri).hostname) or accelerator() == "kvm"


class Hosts:
    """The hosts of one run, each connected once, when it is first needed, until `stack` is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._by_address: dict[tuple[str, str], Host] = {}

    def host(self, uri: str, pool: str) -> Host:
        """Return the host with its pool of that name; raises UserError if the host cannot be reached."""
        if (uri, pool) not in self._by_address:
            self._by_address[uri, pool] = self._stack.enter_context(open_host(uri, pool))
        return self._by_address[uri, pool]


@contextmanager
def open_host(uri: str, pool: str) -> Iterator[Host]:
    """Connect to a host until the end of the block; raises UserError if it cannot be reached."""
    with translate_errors(uri):
        connection = binding().open(uri)
    try:
        yield Host(uri, connection, pool)
    finally:
        connection.close()


@dataclass(frozen=True)
class Placement:
    """The hosts' libvirt URIs, a storage pool and a network or bridge on each of them, and the nodes' size.

    `memory` is in MiB; `disks` is `overlay` or `copy`; `management` connects the management cards.
    """

    uris: tuple[str, ...]
    pool: str
    link: Link
    management: Link | None
    virtualization: str
    memory: int
    cpus: int
    disks: str


def placement(cluster: Cluster, options: LibvirtOptions = NO_OPTIONS) -> Placement:
    """Return where the nodes go; a network or bridge in the options replaces the spec's network or bridge."""
    spec = cluster.libvirt
    link = _link(options.network, options.bridge) or _link(spec.network, spec.bridge) or Link("network", NETWORK)
    management = _link(options.management_network, options.management_bridge) or _link(
        spec.management_network, spec.management_bridge
    )
    uris = tuple(options.connect) or spec.hosts
    pool = options.pool or spec.pool
    return Placement(uris, pool, link, management, spec.virtualization, spec.memory_mib, spec.cpus, spec.disks)


def _link(network: str | None, bridge: str | None) -> Link | None:
    if bridge:
        return Link("bridge", bridge)
    return Link("network", network) if network else None
