"""The section `management`: a second card, and what keeps it apart from the cluster's."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import SpecError
from builder.spec.load import load
from tests import examples

EXAMPLE = (examples.FOLDER / "management.yml").read_text()
NODE2 = "address: 192.168.60.12, management: 10.9.0.12"

Problems = Callable[[str], tuple]


def test_the_example_is_valid(problems: Problems) -> None:
    assert problems(EXAMPLE) == ()


@pytest.mark.parametrize(
    ("old", "new", "reason", "hint"),
    [
        (
            ", management: 10.9.0.12",
            "",
            "management of node 2 is missing; the section management needs it",
            "add a line such as management: 10.9.0.11, in the management subnet",
        ),
        (
            "management: 10.9.0.12",
            "management: 10.9.1.12",
            "management of node 2 is outside the nodes' management subnet 10.9.0.0/24",
            "its hosts are 10.9.0.1 to 10.9.0.254",
        ),
        (
            "management: 10.9.0.12",
            "management: 10.9.0.255",
            "management of node 2 is the broadcast address of 10.9.0.0/24",
            "its hosts are 10.9.0.1 to 10.9.0.254",
        ),
        (
            "management: 10.9.0.12",
            "management: 10.9.0.11",
            "management of node 2 is also the management of node 1",
            "give every node a unique address",
        ),
        (
            "via: 10.9.0.1}",
            "via: 10.9.0.12}",
            "via of route 1 of management is also the management of node 2",
            "give the address of the router",
        ),
        (
            "via: 10.9.0.1}",
            "via: 10.20.0.1}",
            "via of route 1 of management is outside the nodes' management subnet 10.9.0.0/24",
            "its hosts are 10.9.0.1 to 10.9.0.254",
        ),
        (
            "to: 10.20.0.0/16",
            "to: 192.168.60.0/24",
            "to of route 1 of management is in the nodes' subnet 192.168.60.0/24",
            "remove the route: it needs no router",
        ),
        (
            "to: 10.20.0.0/16",
            "to: 10.9.0.128/25",
            "to of route 1 of management is in the nodes' management subnet 10.9.0.0/24",
            "remove the route: it needs no router",
        ),
        (
            "to: 10.20.0.0/16",
            "to: 10.20.0.1/16",
            "to of route 1 of management must be the address of a network, not of a host",
            "write 10.20.0.0/16",
        ),
        (
            "to: 10.20.0.0/16",
            "to: 0.0.0.0/0",
            "to of route 1 of management must not be every network",
            "list the networks; network.gateway is the default route",
        ),
        (
            "  ssh: true ",
            "  interface: ens192\n  ssh: true ",
            "interface of management must be auto or a name such as eth0",
            "the guests name their cards eth0, eth1 and so on; auto takes eth0, or the card with the node's mac",
        ),
        (
            NODE2,
            f"{NODE2}, mac: 52:54:00:1a:2b:02",
            "management_mac of node 2 is missing, and the mac of node 2 is given",
            "give both or none of them: without them, the order of the cards decides which is which",
        ),
        (
            NODE2,
            f"{NODE2}, mac: 52:54:00:1a:2b:02, management_mac: 52:54:00:1A:2B:02",
            "management_mac of node 2 is also the mac of node 2",
            "give every card's own hardware address",
        ),
        (
            NODE2,
            f"{NODE2}, mac: 53:54:00:1a:2b:02, management_mac: 52:54:00:1a:2b:03",
            "mac of node 2 must be the hardware address of one card",
            "copy the card's own address; this one is reserved",
        ),
        (
            "management_network: admin",
            "management_network: admin\n  management_bridge: br1",
            "libvirt has both a management_network and a management_bridge",
            "a network card has one connection: remove one of the two",
        ),
    ],
)
def test_each_problem_is_reported_once(problems: Problems, old: str, new: str, reason: str, hint: str) -> None:
    assert old in EXAMPLE
    assert [(each.reason, each.hint) for each in problems(EXAMPLE.replace(old, new, 1))] == [(reason, hint)]


def test_the_networks_of_the_cards_must_not_overlap(problems: Problems) -> None:
    text = re.sub(r"10\.9\.0\.", "192.168.60.1", EXAMPLE)
    assert "management of node 1 is in 192.168.60.0/24, which overlaps the nodes' subnet 192.168.60.0/24" in {
        each.reason for each in problems(text)
    }


def test_the_cards_must_have_two_names(problems: Problems) -> None:
    text = EXAMPLE.replace("  ssh: true ", "  interface: eth1\n  ssh: true ").replace(
        "  dns:", "  interface: eth1\n  dns:", 1
    )
    (problem,) = problems(text)
    assert problem.reason == "interface of management is also the interface of network"
    assert problems(text.replace("interface: eth1", "interface: eth0", 1)) == ()


def test_without_the_section_its_values_have_no_effect(problems: Problems) -> None:
    text = re.sub(r"\nmanagement:\n(  .*\n)+", "\n", EXAMPLE)
    assert [each.reason for each in problems(text)] == [
        "management of node 1 has no effect without the section management",
        "management of node 2 has no effect without the section management",
        "management_network has no effect without the section management",
    ]


@pytest.mark.parametrize("address", ["10.20.0.5", "10.9.0.5"])
def test_a_server_behind_the_management_card_needs_no_gateway(problems: Problems, address: str) -> None:
    """Mail and name servers are often there; without a gateway, the nodes reach no other network."""
    text = EXAMPLE.replace("  gateway: 192.168.60.1\n", "").replace("dns: [192.168.60.1]", f"dns: [{address}]")
    assert problems(text) == ()
    (problem,) = problems(text.replace(address, "10.21.0.5"))
    assert "network has no gateway" in problem.reason


@pytest.mark.parametrize("name", ["ens192", "enp1s0", "eth", "eth123"])
def test_a_name_that_no_guest_gives_a_card_is_refused(problems: Problems, name: str) -> None:
    (problem,) = problems(EXAMPLE.replace("  dns:", f"  interface: {name}\n  dns:", 1))
    assert problem.reason == "interface of network must be auto or a name such as eth0"


def test_operators_reach_the_nodes_where_their_services_listen(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    for ssh, statistics in ((True, False), (False, True)):
        path.write_text(
            EXAMPLE.replace("ssh: true", f"ssh: {str(ssh).lower()}\n  statistics: {str(statistics).lower()}")
        )
        cluster = load(path)
        node = cluster.nodes[0]
        assert cluster.login_address(node) == (node.management if ssh else node.address)
        assert cluster.statistics_address(node) == (node.management if statistics else node.address)


def test_hardware_addresses_alone_need_no_section(problems: Problems) -> None:
    text = re.sub(r"\nmanagement:\n(  .*\n)+", "\n", EXAMPLE).partition("\nlibvirt:")[0]
    text = re.sub(r", management: [0-9.]+", "", text)
    assert problems(text.replace("address: 192.168.60.12", "address: 192.168.60.12, mac: 00:50:56:0a:00:01")) == ()


def test_an_address_without_quotes_that_yaml_takes_for_a_number_is_refused(tmp_path: Path) -> None:
    """YAML 1.1 counts in sixties: 52:54:00:12:34:56 is a number there."""
    path = tmp_path / "cluster.yml"
    path.write_text(EXAMPLE.replace(NODE2, f"{NODE2}, mac: 52:54:00:12:34:56, management_mac: 52:54:00:1a:2b:03"))
    with pytest.raises(SpecError) as failure:
        load(path)
    assert [each.value for each in failure.value.problems] == ["52:54:00:12:34:56"]
    assert "quotes" in failure.value.problems[0].hint
