"""The guest's program for OVF properties, run in a real root with a fake of VMware's tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from builder.core.run import Completed
from builder.guests import all_guests
from builder.lab.netns import NetnsNode
from builder.seed.seed import seed
from builder.seed.transports import ovf
from tests.integration.full_disk import full_disk

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
CONF, IDENTITY = "/etc/keepalived/keepalived.conf", "/etc/vipforge/identity"
NETWORK, KEPT = "/etc/cloud/cloud.cfg.d/95-vipforge-network.cfg", "/run/vipforge/ovf-env.xml"
TOOLS = "/usr/local/sbin"
ON_VMWARE = {
    "systemd-detect-virt": "echo vmware",
    "vmware-rpctool": "cat /run/ovf-env.xml",
    "udevadm": ":",
    "blkid": ":",
}
TYPED = ("hostname", "address", "gateway", "peers", "priority", "alert-sender")


@pytest.fixture(scope="module")
def machine(start_pair: Callable) -> Iterator[NetnsNode]:
    with start_pair("standard") as pair:
        node = pair.nodes[0]
        for name, does in ON_VMWARE.items():
            program = node.path(f"{TOOLS}/{name}")
            program.write_text(f"#!/bin/sh\n{does}\n")
            program.chmod(0o755)
        node.path(NETWORK).parent.mkdir(parents=True, exist_ok=True)
        yield node


@pytest.fixture
def node(machine: NetnsNode) -> NetnsNode:
    """A VMware machine with the identity from the NoCloud CD; it has no OVF environment yet."""
    lines = seed(machine.cluster, machine.spec, FACTS).identity
    machine.path(IDENTITY).write_text(text(lines))
    machine.path("/dev/console").write_text("")
    machine.path(NETWORK).unlink(missing_ok=True)
    return machine


def text(lines: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def properties(node: NetnsNode) -> dict[str, str]:
    return ovf.properties(seed(node.cluster, node.spec, FACTS))


def network(node: NetnsNode) -> dict[str, Any]:
    (content,) = yaml.safe_load(node.path(NETWORK).read_text()).items()
    assert content[0] == "network"
    return content[1]


def boot(node: NetnsNode, values: dict[str, str], document: str = "") -> Completed:
    """Do what the units do with these properties, one after another until one fails."""
    node.path("/run/ovf-env.xml").write_text(document or ovf.ovf_environment(values))
    for command in (("ovf-properties", "network"), ("ovf-properties", "identity"), ("identity",)):
        done = node.run(f"/usr/libexec/vipforge/{command[0]}", *command[1:], check=False)
        if done.code:
            break
    return done


def test_a_seeds_properties_change_nothing_in_the_identity_from_its_user_data(node: NetnsNode) -> None:
    before = node.path(IDENTITY).read_bytes(), node.path(IDENTITY).stat().st_ino
    done = boot(node, properties(node))
    assert done.code == 0, done.err
    assert (node.path(IDENTITY).read_bytes(), node.path(IDENTITY).stat().st_ino) == before
    assert network(node) == yaml.safe_load(seed(node.cluster, node.spec, FACTS).network_config)


def test_a_full_disk_keeps_no_node_down_whose_properties_are_the_same(node: NetnsNode) -> None:
    assert boot(node, properties(node)).code == 0
    with full_disk(node):
        assert boot(node, properties(node)).code == 0


def test_a_changed_property_on_a_full_disk_is_refused_with_the_reason(node: NetnsNode) -> None:
    assert boot(node, properties(node)).code == 0
    with full_disk(node):
        node.run("sh", "-c", f"cat {IDENTITY} >/run/before; rm {CONF}; cat /dev/zero >>/etc/fill", check=False)
        done = boot(node, {**properties(node), "priority": "17"})
        assert node.path(IDENTITY).read_text() == node.path("/run/before").read_text()
    assert done.code == 1
    assert f"the disk is full: {IDENTITY} cannot be written" in done.err


def test_typed_properties_alone_make_the_same_node_as_the_nocloud_cd(node: NetnsNode) -> None:
    node.identify()
    identity, conf = node.path(IDENTITY).read_text(), node.path(CONF).read_text()
    for path in (IDENTITY, CONF):
        node.path(path).unlink()
    done = boot(node, {key: value for key, value in properties(node).items() if key in TYPED})
    assert done.code == 0, done.err
    assert sorted(node.path(IDENTITY).read_text().split("\n")) == sorted(identity.split("\n"))
    assert node.path(CONF).read_text() == conf
    assert node.path(IDENTITY).stat().st_mode & 0o777 == 0o600


def test_typed_properties_take_precedence_over_the_user_data(node: NetnsNode) -> None:
    done = boot(node, {"priority": " 17 ", "alert-sender": "typed@example.com", "hostname": "", "address": ""})
    assert done.code == 0, done.err
    lines = seed(node.cluster, node.spec, FACTS).identity
    assert node.path(IDENTITY).read_text() == text({**lines, "PRIORITY": "17", "ALERT_SENDER": "typed@example.com"})
    assert "priority 17" in node.path(CONF).read_text()
    assert not node.path(NETWORK).exists()


def test_an_address_that_differs_from_the_seeds_replaces_the_network(node: NetnsNode) -> None:
    node.run("mount", "-t", "tmpfs", "tmpfs", "/sys/class/net")
    try:
        for card in ("ens192/device", "lo"):
            node.path(f"/sys/class/net/{card}").mkdir(parents=True)
        values = {**properties(node), "address": "192.168.56.19/24"}
        node.path("/run/ovf-env.xml").write_text(ovf.ovf_environment(values))
        node.run("/usr/libexec/vipforge/ovf-properties", "network")
        card = {"dhcp4": False, "addresses": ["192.168.56.19/24"]}
        route = {"to": "0.0.0.0/0", "via": "192.168.56.1"}
        assert network(node) == {"version": 2, "ethernets": {"ens192": {**card, "routes": [route]}}}
        node.path("/run/ovf-env.xml").write_text(ovf.ovf_environment({**values, "gateway": ""}))
        node.run("/usr/libexec/vipforge/ovf-properties", "network")
        assert network(node) == {"version": 2, "ethernets": {"ens192": card}}
    finally:
        node.run("umount", "/sys/class/net")


def test_only_root_can_read_the_environment(node: NetnsNode) -> None:
    boot(node, properties(node))
    assert node.path(KEPT).stat().st_mode & 0o777 == 0o600
    assert node.path(KEPT).parent.stat().st_mode & 0o777 == 0o755


def test_a_machine_without_properties_is_not_changed(node: NetnsNode) -> None:
    before = node.path(IDENTITY).read_bytes()
    assert boot(node, {}, "no XML").code == 0
    assert node.path(IDENTITY).read_bytes() == before
    node.path(IDENTITY).unlink()
    assert f"{IDENTITY} is missing" in boot(node, dict.fromkeys(properties(node), "")).err


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("address", "192.168.56.11", "address is not like 192.0.2.11/24: 192.168.56.11"),
        ("address", "192.168.56.11/24]\nruncmd: [reboot", "address is not like"),
        ("gateway", "192.168.56.1}, {to: 0/0", "gateway is no IPv4 address: 192.168.56.1?? ?to: 0/0"),
        ("priority", "255", "PRIORITY is no number from 1 to 254: 255"),
        ("priority", "1\nPEERS=192.168.56.99", "PRIORITY is no number from 1 to 254: 1??10?PEERS=192.168.56.99"),
        ("alert-sender", "a@b.c|e reboot #", "ALERT_SENDER is no e-mail address: a@b.c?e reboot ?"),
        ("alert-sender", "$(reboot)@example.com", "ALERT_SENDER is no e-mail address: ??reboot?@example.com"),
        ("hostname", 'lb1.example.com" oe:value="x', "NODE_NAME is no full host name"),
        ("peers", "192.168.56.11", "PEERS holds this node's own address"),
    ],
)
def test_an_invalid_property_is_refused_with_the_reason(node: NetnsNode, key: str, value: str, reason: str) -> None:
    node.identify()
    assert node.path(CONF).exists()
    done = boot(node, {**properties(node), key: value})
    assert done.code == 1
    assert reason in done.err
    assert reason in node.path("/dev/console").read_text()
    assert not node.path(CONF).exists()


def test_vcenters_own_document_is_read(node: NetnsNode) -> None:
    document = """<?xml version="1.0" encoding="UTF-8"?>
<Environment
     xmlns="http://schemas.dmtf.org/ovf/environment/1"
     xmlns:oe="http://schemas.dmtf.org/ovf/environment/1"
     xmlns:ve="http://www.vmware.com/schema/ovfenv"
     oe:id=""
     ve:vCenterId="vm-17">
   <PlatformSection><Kind>VMware ESXi</Kind><Version>6.7.0</Version></PlatformSection>
   <PropertySection>
         <Property oe:key="alert-sender" oe:value=""/>
         <Property oe:key="priority"
                   oe:value="42"/>
   </PropertySection>
   <Entity oe:id="other"><PropertySection><Property oe:key="priority" oe:value="7"/></PropertySection></Entity>
</Environment>
"""
    assert boot(node, {}, document).code == 0
    assert "priority 42" in node.path(CONF).read_text()
