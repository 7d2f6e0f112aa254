"""A KVM host: the connection by libvirt's bindings, and which nodes it gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import fromstring

from builder.deploy.libvirt import LibvirtOptions, binding, translate_errors
from builder.deploy.libvirt.domains import Domains
from builder.deploy.libvirt.pool import Pool
from builder.host.qemu import accelerator
from builder.spec.model import Cluster


class Host:
    """One connection."""

    def __init__(self, uri: str, connection: Any, pool: str) -> None:  # noqa: ANN401 - libvirt has no types
        self.uri = uri
        self.pool = Pool(uri, connection, pool)
        self.domains = Domains(uri, connection)
        self._connection = connection
        self._best = ""

    def virtualization(self) -> str:
        """`kvm` where guests can run so, else `qemu`. libvirt asks QEMU for this: it takes a second."""
        self._best = self._best or ("kvm" if self._offers_kvm() and self._starts_kvm() else "qemu")
        return self._best

    def _offers_kvm(self) -> bool:
        with translate_errors(self.uri):
            guests = fromstring(self._connection.getCapabilities()).iter("guest")  # noqa: S314 - libvirt's own
        return any(found.get("type") == "kvm" for guest in guests for found in guest.iter("domain"))

    def _starts_kvm(self) -> bool:
        """Whether it starts a guest, too: known of this host, while libvirt only looks whether /dev/kvm is there."""
        return bool(urlsplit(self.uri).hostname) or accelerator() == "kvm"


class Hosts:
    """The hosts of a run, each connected once; the connections last until the end of `stack`."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._known: dict[tuple[str, str], Host] = {}

    def host(self, uri: str, pool: str) -> Host:
        """A host with a pool of that name; raises UserError where it cannot be reached."""
        if (uri, pool) not in self._known:
            self._known[uri, pool] = self._stack.enter_context(open_host(uri, pool))
        return self._known[uri, pool]


@contextmanager
def open_host(uri: str, pool: str) -> Iterator[Host]:
    """A host, until the end of the block; raises UserError where it cannot be reached."""
    with translate_errors(uri):
        connection = binding().open(uri)
    try:
        yield Host(uri, connection, pool)
    finally:
        connection.close()


NETWORK = "default"


@dataclass(frozen=True)
class Place:
    """libvirt's addresses of the hosts, a storage pool there, a network or else a bridge; `memory` is in MiB.

    `disks` are `overlay` or `copy`.
    """

    uris: tuple[str, ...]
    pool: str
    network: str
    bridge: str
    virtualization: str
    memory: int
    cpus: int
    disks: str


NO_OPTIONS = LibvirtOptions()


def place(cluster: Cluster, asked: LibvirtOptions = NO_OPTIONS) -> Place:
    """The cluster's place; a network or a bridge that an option names replaces either of the spec's."""
    spec = cluster.libvirt
    bridge = asked.bridge or ("" if asked.network else spec.bridge or "")
    network = "" if bridge else asked.network or spec.network or NETWORK
    uris = tuple(asked.connect) or spec.hosts
    pool = asked.pool or spec.pool
    return Place(uris, pool, network, bridge, spec.virtualization, spec.memory_mib, spec.cpus, spec.disks)
