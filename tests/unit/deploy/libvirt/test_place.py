"""Where the nodes go: the spec, and options before it."""

from __future__ import annotations

import pytest

from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.host import place
from tests.specs import quickstart


@pytest.mark.parametrize(
    ("spec", "asked", "network", "bridge"),
    [
        ({}, {}, "default", ""),
        ({"network": "lan"}, {}, "lan", ""),
        ({"bridge": "br0"}, {}, "", "br0"),
        ({"bridge": "br0"}, {"network": "lan"}, "lan", ""),
        ({"network": "lan"}, {"bridge": "br1"}, "", "br1"),
    ],
)
def test_the_one_card_is_on_a_network_or_a_bridge(spec: dict, asked: dict, network: str, bridge: str) -> None:
    found = place(quickstart(libvirt=spec), LibvirtOptions(**asked))
    assert (found.network, found.bridge) == (network, bridge)


def test_hosts_and_pool_are_the_specs_unless_they_are_asked_for() -> None:
    cluster = quickstart(libvirt={"hosts": ["qemu+ssh://root@kvm1/system"], "pool": "ssd", "cpus": 4})
    assert place(cluster).uris == ("qemu+ssh://root@kvm1/system",)
    assert (place(cluster).pool, place(cluster).cpus) == ("ssd", 4)
    asked = place(cluster, LibvirtOptions(connect=["qemu:///system"], pool="other"))
    assert (asked.uris, asked.pool) == (("qemu:///system",), "other")
