"""Where the nodes go: the spec decides, unless an option does."""

from __future__ import annotations

import pytest

from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.host import placement
from tests.specs import quickstart


@pytest.mark.parametrize(
    ("spec", "options", "network", "bridge"),
    [
        ({}, {}, "default", ""),
        ({"network": "lan"}, {}, "lan", ""),
        ({"bridge": "br0"}, {}, "", "br0"),
        ({"bridge": "br0"}, {"network": "lan"}, "lan", ""),
        ({"network": "lan"}, {"bridge": "br1"}, "", "br1"),
    ],
)
def test_the_card_is_on_either_a_network_or_a_bridge(spec: dict, options: dict, network: str, bridge: str) -> None:
    target = placement(quickstart(libvirt=spec), LibvirtOptions(**options))
    assert (target.network, target.bridge) == (network, bridge)


def test_options_replace_the_hosts_and_the_pool_of_the_spec() -> None:
    cluster = quickstart(libvirt={"hosts": ["qemu+ssh://root@kvm1/system"], "pool": "ssd", "cpus": 4})
    assert placement(cluster).uris == ("qemu+ssh://root@kvm1/system",)
    assert (placement(cluster).pool, placement(cluster).cpus) == ("ssd", 4)
    target = placement(cluster, LibvirtOptions(connect=["qemu:///system"], pool="other"))
    assert (target.uris, target.pool) == (("qemu:///system",), "other")
