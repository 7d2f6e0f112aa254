"""Where the nodes go: the spec decides, unless an option does."""

from __future__ import annotations

import pytest

from builder.core.errors import UserError
from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.domains import Link
from builder.deploy.libvirt.host import placement
from builder.deploy.libvirt.node import management_link
from builder.spec.management import Management
from tests.specs import quickstart


@pytest.mark.parametrize(
    ("spec", "options", "link"),
    [
        ({}, {}, Link("network", "default")),
        ({"network": "lan"}, {}, Link("network", "lan")),
        ({"bridge": "br0"}, {}, Link("bridge", "br0")),
        ({"bridge": "br0"}, {"network": "lan"}, Link("network", "lan")),
        ({"network": "lan"}, {"bridge": "br1"}, Link("bridge", "br1")),
    ],
)
def test_the_card_is_on_either_a_network_or_a_bridge(
    spec: dict[str, str], options: dict[str, str], link: Link
) -> None:
    target = placement(quickstart(libvirt=spec), LibvirtOptions(**options))
    assert (target.link, target.management) == (link, None)
    managed = {f"management_{key}": value for key, value in spec.items()}
    given = {f"management_{key}": value for key, value in options.items()}
    target = placement(quickstart(libvirt=managed), LibvirtOptions(**given))
    assert target.management == (link if spec or options else None)


def test_a_management_card_needs_a_network_or_a_bridge() -> None:
    cluster = quickstart().model_copy(update={"management": Management(prefix=24)})
    with pytest.raises(UserError, match="nothing says what connects them"):
        management_link(cluster, placement(cluster))
    assert management_link(quickstart(), placement(quickstart())) is None


def test_options_replace_the_hosts_and_the_pool_of_the_spec() -> None:
    cluster = quickstart(libvirt={"hosts": ["qemu+ssh://root@kvm1/system"], "pool": "ssd", "cpus": 4})
    assert placement(cluster).uris == ("qemu+ssh://root@kvm1/system",)
    assert (placement(cluster).pool, placement(cluster).cpus) == ("ssd", 4)
    target = placement(cluster, LibvirtOptions(connect=["qemu:///system"], pool="other"))
    assert (target.uris, target.pool) == (("qemu:///system",), "other")
