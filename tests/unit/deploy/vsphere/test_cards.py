"""The network card of a machine in vCenter."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, PropertyMock

import pytest
from pyVmomi import vim

from builder.deploy.vsphere.node import card_changes
from builder.seed.network import HardwareAddresses

CARD = vim.vm.device.VirtualEthernetCard


def connected(card: Any, network: Any) -> Any:
    """Connect a template's only card to a network; return the card."""
    template = SimpleNamespace(config=SimpleNamespace(hardware=SimpleNamespace(device=[card])))
    desired = Mock(known=HardwareAddresses("", ""))
    (change,) = card_changes(template, desired, Mock(network=network))
    return change.device


def port_group(key: str) -> Mock:
    """A distributed port group whose switch this user may not read."""
    group = Mock(spec=vim.dvs.DistributedVirtualPortgroup, key=key)
    refusal = vim.fault.NoPermission(privilegeId="System.Read")
    type(group).config = PropertyMock(side_effect=refusal)
    return group


def test_a_card_on_the_right_port_group_needs_no_look_at_the_switch() -> None:
    port = vim.dvs.PortConnection(portgroupKey="dvportgroup-7", switchUuid="50 01")
    card = vim.vm.device.VirtualVmxnet3(backing=CARD.DistributedVirtualPortBackingInfo(port=port))
    assert connected(card, port_group("dvportgroup-7")).backing.port == port
    with pytest.raises(vim.fault.NoPermission):
        connected(card, port_group("dvportgroup-8"))
