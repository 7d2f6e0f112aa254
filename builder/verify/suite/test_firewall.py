"""The firewall: its zone, the kernel's rules, and what gets through from a client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from builder.guests import GuestFile
from builder.spec.backends import PEERS_PORT
from builder.spec.model import Cluster
from builder.verify.suite import answers
from builder.verify.suite.node import RunningNode, free_port, listening

ZONE = "vipforge"
VRRP_RULE = 'rule protocol value="vrrp" accept'
PEERS_RULE = f'rule family="ipv4" source ipset="vipforge-peers" port port="{PEERS_PORT}" protocol="tcp" accept'
VRRP_ACCEPTED = re.compile(r"(l4proto|protocol|-p) (vrrp|112)\b.*accept", re.IGNORECASE)


@pytest.fixture
def rendered_zone(files: dict[str, GuestFile]) -> ET.Element:
    """The zone as rendered from the spec."""
    return ET.fromstring(files[f"/etc/firewalld/zones/{ZONE}.xml"].content)  # noqa: S314 - rendered by us


@pytest.fixture
def unlisted_port(node: RunningNode, cluster: Cluster) -> Iterator[int]:
    """A port that the spec does not name, with a program that listens on it."""
    number = free_port(cluster)
    with listening(node, number):
        yield number


def test_zone_is_the_default(node: RunningNode) -> None:
    """The default zone is vipforge."""
    found = node.output("default zone").split()[0]
    assert found == ZONE, f"the default zone is {found}"


def test_zone_opens_what_the_spec_requires(node: RunningNode, rendered_zone: ET.Element) -> None:
    """The running zone opens what the spec requires and nothing else."""
    zone = _zone(node)
    ports = {f"{port.get('port')}/{port.get('protocol')}" for port in rendered_zone.findall("port")}
    services = {service.get("name") for service in rendered_zone.findall("service")}
    assert set(zone["services"].split()) == services, f"services: {zone['services']}"
    assert set(zone["ports"].split()) == ports, f"ports: {zone['ports']}"
    assert not zone["protocols"], f"protocols: {zone['protocols']}"


def test_zone_accepts_vrrp(node: RunningNode, rendered_zone: ET.Element) -> None:
    """The running zone has the rich rule for VRRP and no rule that is not in the spec."""
    rules = [line for line in node.lines("default zone") if line.startswith("rule ")]
    assert VRRP_RULE in rules, f"rich rules: {', '.join(rules) or 'none'}"
    assert len(rules) == len(rendered_zone.findall("rule")), f"rich rules: {', '.join(rules)}"


def test_zone_accepts_haproxys_peers(node: RunningNode) -> None:
    """The running zone has the rich rule for the other nodes' HAProxy."""
    rules = [line for line in node.lines("default zone") if line.startswith("rule ")]
    assert PEERS_RULE in rules, f"rich rules: {', '.join(rules) or 'none'}"


def test_kernel_accepts_vrrp(node: RunningNode) -> None:
    """The kernel's rules accept VRRP."""
    assert VRRP_ACCEPTED.search(node.output("ruleset")), "no rule of the kernel accepts VRRP"


def test_kernel_accepts_services(node: RunningNode, cluster: Cluster) -> None:
    """The kernel's rules accept the services' ports."""
    rules = node.output("ruleset")
    missing = [
        str(port) for port in cluster.ports() if not re.search(rf"dport {port}\b.*accept", rules, re.IGNORECASE)
    ]
    assert not missing, f"no rule of the kernel accepts port {', '.join(missing)}"


def test_service_ports_are_open(node: RunningNode, cluster: Cluster) -> None:
    """From here, the firewall passes the services' ports."""
    blocked = [port for port in cluster.ports() if answers.port(node.spec.address, port) == "filtered"]
    assert not blocked, f"filtered: {', '.join(map(str, blocked))}"


def test_another_port_is_closed(node: RunningNode, unlisted_port: int) -> None:
    """From here, a port that is not in the spec is closed, although a program listens on it."""
    found = answers.port(node.spec.address, unlisted_port, seconds=3)
    assert found == "filtered", f"port {unlisted_port} of {node.spec.address} is {found}"


def _zone(node: RunningNode) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in node.lines("default zone") if ":" in line)
    return {key: value.strip() for key, value in pairs}
