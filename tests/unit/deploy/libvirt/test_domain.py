"""Domain XML: a golden file, and the digest that identifies a node's domain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from builder.deploy.hypervisor import machine_name
from builder.deploy.libvirt.domains import NAMESPACE, Link, Shape, digest, domain, with_note
from builder.lab.network import macs
from tests.golden import assert_golden
from tests.specs import quickstart

SHAPE = Shape("default", "lb1.qcow2", "lb1.iso", Link("network", "lan"), virtualization="kvm")
CLUSTER = quickstart()


def test_the_whole_domain() -> None:
    xml = domain(CLUSTER, CLUSTER.nodes[0], SHAPE)
    assert_golden("deploy/domain.xml", with_note(xml, CLUSTER))


def test_a_bridge_replaces_the_network_and_tcg_replaces_kvm() -> None:
    root = ET.fromstring(
        domain(CLUSTER, CLUSTER.nodes[0], replace(SHAPE, link=Link("bridge", "br0"), virtualization="qemu"))
    )
    assert root.get("type") == "qemu"
    assert root.find("cpu").get("mode") == "maximum"
    assert root.find("devices/interface").get("type") == "bridge"
    assert root.find("devices/interface/source").attrib == {"bridge": "br0"}


@pytest.mark.parametrize("change", [{"disk": "new.qcow2"}, {"seed": "new.iso"}, {"link": Link("network", "other")}])
def test_the_digest_changes_with_every_part_of_the_domain(change: dict[str, Any]) -> None:
    node = CLUSTER.nodes[0]
    assert digest(domain(CLUSTER, node, SHAPE)) != digest(domain(CLUSTER, node, replace(SHAPE, **change)))


def test_the_note_on_the_domain_names_cluster_and_digest() -> None:
    xml = domain(CLUSTER, CLUSTER.nodes[0], SHAPE)
    note = ET.fromstring(with_note(xml, CLUSTER)).find(f"metadata/{{{NAMESPACE}}}node")
    assert note.attrib == {"cluster": "quickstart", "digest": digest(xml)}
    assert machine_name(CLUSTER, CLUSTER.nodes[0]) == "quickstart-lb1"


def test_a_management_card_follows_that_of_the_cluster() -> None:
    nodes = [
        {"name": f"lb{n}.example.com", "address": f"192.168.56.1{n}", "management": f"10.9.0.1{n}"} for n in (1, 2)
    ]
    cluster = quickstart(management={"prefix": 24}, nodes=nodes)
    shape = replace(SHAPE, management=Link("bridge", "br-admin"))
    cards = ET.fromstring(domain(cluster, cluster.nodes[0], shape)).findall("devices/interface")
    known = macs(cluster, cluster.nodes[0])
    assert [card.find("source").attrib for card in cards] == [{"network": "lan"}, {"bridge": "br-admin"}]
    assert [card.find("mac").get("address") for card in cards] == [known.primary, known.management]
