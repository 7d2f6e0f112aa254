"""IPv6 VIPs, and the keys that they need."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path

import pytest

from builder.spec.load import load
from tests import examples

EXAMPLE = (examples.FOLDER / "ipv6.yml").read_text()
HINT = "add a line such as address6: 2001:db8:56::11, in the VIP's subnet"


def test_the_example_is_valid(problems) -> None:
    assert problems(EXAMPLE) == ()


@pytest.mark.parametrize(
    ("old", "new", "reason", "hint"),
    [
        (
            "  prefix6: 64\n",
            "",
            "prefix6 of network is missing; VIP 2 of instance 1 of vrrp needs it",
            "add a line such as prefix6: 64",
        ),
        ("prefix6: 64", "prefix6: 127", "prefix6 of network must be 126 or less", ""),
        (
            ' address6: "2001:db8:59::12",',
            "",
            "address6 of node 2 is missing; VIP 2 of instance 1 of vrrp needs it",
            HINT,
        ),
        (
            "2001:db8:59::12",
            "2001:db8:59::11",
            "address6 of node 2 is also the address6 of node 1",
            "give every node a unique address",
        ),
        (
            "2001:db8:59::12",
            "2001:db8:58::12",
            "address6 of node 2 is outside the nodes' IPv6 subnet 2001:db8:59::/64",
            "its hosts are 2001:db8:59::1 to 2001:db8:59:0:ffff:ffff:ffff:ffff",
        ),
        (
            "2001:db8:59::12",
            "fe80::12",
            "address6 of node 2 must not be link-local",
            "an fe80::/10 address is valid on one link only; use a global or a unique local address",
        ),
        (
            "2001:db8:59::12",
            "192.168.59.12",
            "address6 of node 2 must be an IPv6 address such as 2001:db8:56::10",
            "",
        ),
        (
            "2001:db8:59::12",
            "2001:db8:59::12/64",
            "address6 of node 2 must be an IPv6 address such as 2001:db8:56::10",
            "leave out the prefix length here; network.prefix6 sets it for all",
        ),
        (
            'gateway6: "2001:db8:59::1"',
            'gateway6: "2001:db8:59::12"',
            "address6 of node 2 is also the gateway6 of network",
            "give the node a different address",
        ),
        (
            'vips: ["2001:db8:59::20"]}',
            'vips: ["2001:db8:59::"]}',
            "VIP 1 of instance 2 of vrrp is the subnet-router anycast address of 2001:db8:59::/64",
            "its hosts are 2001:db8:59::1 to 2001:db8:59:0:ffff:ffff:ffff:ffff",
        ),
        (
            'vips: ["2001:db8:59::20"]}',
            'vips: ["2001:DB8:59:0::11"]}',
            "VIP 1 of instance 2 of vrrp is also the address6 of node 1",
            "a VIP must be an address that no host has",
        ),
        (
            '"2001:db8:59::32"',
            '"2001:db8:59::10"',
            "address of server 2 of service 1 is a VIP",
            "give the server's own address",
        ),
        (
            "gateway: 192.168.59.1",
            'gateway: "2001:db8:59::1"',
            "gateway of network must be an IPv4 address such as 192.168.56.10",
            "this is an IPv6 address: VIPs and servers may have one, and a node's goes into address6",
        ),
    ],
)
def test_each_problem_is_reported(problems, old: str, new: str, reason: str, hint: str) -> None:
    assert old in EXAMPLE
    found = [(each.reason, each.hint) for each in problems(EXAMPLE.replace(old, new, 1))]
    assert (reason, hint) in found


def test_a_gateway_may_be_link_local(problems) -> None:
    assert problems(EXAMPLE.replace('gateway6: "2001:db8:59::1"', 'gateway6: "fe80::1"')) == ()


def test_an_ipv6_gateway_without_addresses_of_the_nodes_is_a_problem(problems, good: str) -> None:
    (problem,) = problems(good.replace("  prefix: 24\n", '  prefix: 24\n  gateway6: "fe80::1"\n'))
    assert problem.reason == "gateway6 of network is set, but no node has an address6"


def test_the_classic_profile_supports_no_ipv6_vips(problems) -> None:
    text = EXAMPLE.replace("profile: standard", "profile: classic").replace("254", "101").replace("253", "100")
    found = problems(text)
    assert {each.hint for each in found} == {"set profile: standard (docs/profiles.md), or remove the VIP"}
    assert found[0].reason == (
        "VIP 2 of instance 1 of vrrp is IPv6, but profile classic uses VRRP version 2, which supports IPv4 only"
    )
    assert (found[0].line, found[0].column) == (17, 64)
    assert len(found) == 2


def test_nodes_may_have_ipv6_addresses_without_ipv6_vips(problems, good: str) -> None:
    text = good.replace("  prefix: 24\n", "  prefix: 24\n  prefix6: 64\n")
    assert problems(text.replace("address: 10.1.2.11", 'address: 10.1.2.11\n    address6: "2001:db8::1"')) == ()


def test_spellings_of_the_same_address_are_equal(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_text(
        EXAMPLE.replace('port: 8443\n    vips: ["2001:db8:59::20"]', 'port: 8443\n    vips: ["2001:DB8:59:0::20"]')
    )
    assert load(path).services[1].vips == (ip_address("2001:db8:59::20"),)


def test_a_dumped_spec_loads_as_the_same_cluster(tmp_path: Path) -> None:
    cluster = load(examples.FOLDER / "ipv6.yml")
    path = tmp_path / "cluster.yml"
    path.write_text(json.dumps(cluster.model_dump(mode="json", exclude_none=True)))
    assert load(path) == cluster
