"""Descriptor and environment validated against the standard's structure (tests/schemas documents those files)."""

from __future__ import annotations

import pytest

from builder.deploy.ovf import OvfMachine, descriptor, system
from builder.guests import all_guests
from builder.guests.debian12 import GUEST
from builder.seed.seed import seed
from builder.seed.transports import ovf as environments
from tests.relaxng import errors
from tests.specs import quickstart

pytestmark = pytest.mark.real_subprocess


def descriptor_of(guest: str = "debian12") -> str:
    return descriptor(OvfMachine("quickstart", system(guest), "3dd0695d", "appliance-disk1.vmdk", 123456, 4 << 30))


@pytest.mark.parametrize("guest", [*sorted(all_guests()), "unknown"])
def test_the_descriptor_of_every_guest_is_valid(guest: str) -> None:
    assert errors("ovf-envelope", descriptor_of(guest)) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<rasd:InstanceID>5</rasd:InstanceID>", ""),
        ("<rasd:ResourceType>17<", "<rasd:ResourceType>disk<"),
        ("<rasd:AllocationUnits>byte * 2^20<", "<rasd:AllocationUnits>MiB<"),
        (' ovf:capacity="4294967296"', ""),
        ('ovf:key="user-data" ovf:type="string"', 'ovf:key="user-data" ovf:type="text"'),
        ("<ovf:Info>The guest</ovf:Info>", ""),
        ("<ovf:Version>3dd0695d</ovf:Version>", "<ovf:Version>3dd0695d</ovf:Version><ovf:Product>late</ovf:Product>"),
    ],
)
def test_the_schema_rejects_a_broken_descriptor(right: str, wrong: str) -> None:
    assert right in descriptor_of()
    assert errors("ovf-envelope", descriptor_of().replace(right, wrong))


def test_the_environment_of_a_seed_is_valid() -> None:
    cluster = quickstart()
    for node in cluster.nodes:
        values = environments.properties(seed(cluster, node, GUEST))
        assert errors("ovf-environment", environments.ovf_environment(values)) == ""
    assert errors("ovf-environment", environments.ovf_environment({}).replace('oe:id=""', ""))
