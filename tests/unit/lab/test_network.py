"""The lab's network: the input of `ip -batch`."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import pytest

from builder.core.errors import UserError
from builder.lab import network
from builder.spec.load import load
from builder.spec.management import Management
from tests import examples
from tests.specs import quickstart


def test_the_whole_batch() -> None:
    assert network.commands(quickstart()).splitlines() == [
        "link set lo up",
        "link add br0 type bridge mcast_snooping 0 stp_state 0 forward_delay 0",
        "address add 192.168.56.1/24 dev br0",
        "address add 192.168.56.21/32 dev br0",
        "address add 192.168.56.22/32 dev br0",
        "address add 192.168.56.25/32 dev br0",
        "link set br0 up",
        "tuntap add dev tap0 mode tap",
        "link set tap0 master br0 up",
        "tuntap add dev tap1 mode tap",
        "link set tap1 master br0 up",
    ]


def test_ipv6_is_on_the_bridge_beside_ipv4() -> None:
    lines = network.bridge_commands(load(examples.FOLDER / "ipv6.yml"))
    assert lines[2:8] == [
        "address add 192.168.59.1/24 dev br0",
        "address add 2001:db8:59::1/64 dev br0 nodad",
        "address add 192.168.59.31/32 dev br0",
        "address add 2001:db8:59::32/128 dev br0 nodad",
        "address add 2001:db8:59::41/128 dev br0 nodad",
        "address add 2001:db8:59::42/128 dev br0 nodad",
    ]


def test_with_a_link_local_gateway_the_client_also_has_an_address_in_the_subnet() -> None:
    cluster = load(examples.FOLDER / "ipv6.yml")
    outside = cluster.network.model_copy(update={"gateway6": IPv6Address("fe80::1")})
    addresses = network.client_addresses6(cluster.model_copy(update={"network": outside}))
    assert [str(address) for address in addresses] == ["2001:db8:59:0:ffff:ffff:ffff:ffff", "fe80::1"]


def test_without_a_gateway_the_client_takes_the_highest_free_address() -> None:
    cluster = quickstart(network={"gateway": None, "dns": ["192.168.56.254"]})
    assert network.client_address(cluster) == IPv4Address("192.168.56.253")


def test_a_large_subnet_is_not_enumerated() -> None:
    cluster = quickstart(network={"gateway": None, "prefix": 8, "dns": []})
    assert network.client_address(cluster) == IPv4Address("192.255.255.254")


def test_a_full_subnet_is_refused() -> None:
    nodes = [
        {"name": f"lb{number}.example.com", "address": f"10.0.0.{number}", "priority": number}
        for number in range(1, 6)
    ]
    cluster = quickstart(
        network={"gateway": None, "prefix": 29, "dns": []}, nodes=nodes, vrrp={"vips": ["10.0.0.6"]}, alerts=None
    )
    with pytest.raises(UserError, match=r"10\.0\.0\.0/29 has no address left"):
        network.client_address(cluster)


def test_the_client_has_the_dns_servers_address_to_refuse_queries_at_once() -> None:
    cluster = quickstart(network={"dns": ["9.9.9.9"]})
    assert "address add 9.9.9.9/32 dev br0" in network.commands(cluster)


def test_the_client_never_takes_a_nodes_address_or_a_vip() -> None:
    """Alerts may go through the VIP itself, and a spec may put a server on a node's address by mistake."""
    cluster = quickstart(alerts={"smtp_server": "192.168.56.10"})
    assert IPv4Address("192.168.56.10") not in network.stub_addresses(cluster)


def test_hardware_addresses_are_stable_local_and_unique() -> None:
    one, other = quickstart(), quickstart(cluster="other")
    addresses = [network.macs(cluster, node) for cluster in (one, other) for node in cluster.nodes]
    assert addresses[:2] == [network.macs(one, node) for node in one.nodes]
    assert len({each.primary for each in addresses}) == 4
    assert {each.management for each in addresses} == {""}
    assert all(re.fullmatch(r"52:54:00(:[0-9a-f]{2}){3}", each.primary) for each in addresses)


def test_management_cards_have_a_bridge_and_hardware_addresses_of_their_own() -> None:
    cluster = load(examples.FOLDER / "management.yml")
    lines = network.commands(cluster).splitlines()
    assert "address add 10.9.0.1/24 dev br1" in lines  # the router of the spec's route
    for number, node in enumerate(cluster.nodes):
        assert f"link set tap{number} master br0 up" in lines
        assert f"link set mgmt{number} master br1 up" in lines
        assert network.macs(cluster, node).primary != network.macs(cluster, node).management


def test_without_a_router_the_client_has_a_free_management_address() -> None:
    cluster = load(examples.FOLDER / "management.yml")
    without = cluster.model_copy(update={"management": Management(prefix=28)})
    assert "address add 10.9.0.14/28 dev br1" in network.commands(without).splitlines()


def test_the_names_of_cards_are_those_of_the_lab() -> None:
    cluster = load(examples.FOLDER / "management.yml")
    named = cluster.model_copy(update={"management": Management(prefix=24, interface="eth7")})
    assert network.in_lab(named).management == Management(prefix=24)
    assert network.in_lab(quickstart(network={"interface": "eth1"})).network.interface == "auto"


def test_the_time_servers_of_the_spec_are_the_clients_too() -> None:
    cluster = quickstart(network={"ntp": ["192.0.2.123", "ntp.example.com"]})
    assert IPv4Address("192.0.2.123") in network.stub_addresses(cluster)
