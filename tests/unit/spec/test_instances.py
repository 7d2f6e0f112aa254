"""The two forms of vrrp: one instance that moves all VIPs, or several."""

from __future__ import annotations

import pytest

from builder.spec.load import load
from builder.spec.report import spec_summary
from tests import examples
from tests.specs import quickstart

EXAMPLE = (examples.FOLDER / "active-active.yml").read_text()


def test_each_node_is_preferred_by_one_instance() -> None:
    cluster = load(examples.FOLDER / "active-active.yml")
    web, shop = cluster.vrrp.all_instances
    assert [cluster.priority(node, web) for node in cluster.nodes] == [254, 253]
    assert [cluster.priority(node, shop) for node in cluster.nodes] == [253, 254]
    assert [str(vip) for vip in cluster.vrrp.vips] == ["192.168.58.10", "192.168.58.20"]
    assert cluster.vrrp.instance_of(cluster.vrrp.vips[1]) == shop


def test_the_summary_mentions_several_instances() -> None:
    assert "2 nodes, 2 VIPs in 2 VRRP instances, 2 services" in spec_summary(
        load(examples.FOLDER / "active-active.yml")
    )
    assert "2 nodes, 1 VIP, 1 service" in spec_summary(quickstart())


def test_the_other_nodes_keep_their_order() -> None:
    instances = [{"name": "x", "virtual_router_id": 1, "vips": ["192.168.56.10"], "prefer": "lb2"}]
    nodes = [
        {"name": f"lb{number}.example.com", "address": f"192.168.56.{10 + number}", "priority": 100 + number}
        for number in (1, 2, 3)
    ]
    cluster = quickstart(vrrp={"instances": instances}, nodes=nodes)
    (only,) = cluster.vrrp.all_instances
    assert [node.name.partition(".")[0] for node in cluster.ranking(only)] == ["lb2", "lb3", "lb1"]
    assert [cluster.priority(node, only) for node in cluster.nodes] == [101, 103, 102]


def test_the_short_form_is_one_instance_with_the_nodes_priorities() -> None:
    cluster = quickstart()
    (only,) = cluster.vrrp.all_instances
    assert (only.name, only.virtual_router_id, only.vips) == ("VI_1", 10, cluster.vrrp.vips)
    assert [cluster.priority(node, only) for node in cluster.nodes] == [254, 253]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "prefer: lb2",
            "prefer: lb2.example.org",
            [("prefer of instance 2 of vrrp names no node", "did you mean lb2.example.com?")],
        ),
        (
            "prefer: lb2",
            "prefer: backup",
            [("prefer of instance 2 of vrrp names no node", "the nodes are lb1.example.com, lb2.example.com")],
        ),
        (
            "name: shop, virtual",
            "name: web, virtual",
            [
                (
                    "name of instance 2 of vrrp is also the name of instance 1 of vrrp",
                    "give every instance a unique name",
                )
            ],
        ),
        (
            "virtual_router_id: 59",
            "virtual_router_id: 58",
            [
                (
                    "virtual_router_id of instance 2 of vrrp is also the virtual_router_id of instance 1 of vrrp",
                    "give every instance a unique number",
                )
            ],
        ),
        (
            "vips: [192.168.58.20], prefer",
            "vips: [192.168.58.10, 192.168.58.20], prefer",
            [("VIP 1 of instance 2 of vrrp is also VIP 1 of instance 1 of vrrp", "remove one of them")],
        ),
        (
            "  profile: standard\n",
            "  profile: standard\n  virtual_router_id: 57\n  vips: [192.168.58.30]\n",
            [
                (
                    f"{key} of vrrp cannot be combined with instances, which each have their own",
                    "remove it, or remove the instances",
                )
                for key in ("virtual_router_id", "vips")
            ],
        ),
        (
            "vips: [192.168.58.20], prefer",
            "prefer",
            [("vips of instance 2 of vrrp is missing", "add a line such as vips: [192.168.56.10]")],
        ),
    ],
)
def test_each_problem_is_reported(problems, old: str, new: str, expected: list[tuple[str, str]]) -> None:
    assert old in EXAMPLE
    assert [(each.reason, each.hint) for each in problems(EXAMPLE.replace(old, new, 1))] == expected


def test_a_problem_is_located_at_the_instance(problems) -> None:
    (problem,) = problems(EXAMPLE.replace("prefer: lb2", "prefer: lb3"))
    line = EXAMPLE.splitlines().index(next(line for line in EXAMPLE.splitlines() if "prefer: lb2" in line))
    assert (problem.line, problem.value) == (line + 1, "lb3")


@pytest.mark.parametrize("key", ["virtual_router_id", "vips"])
def test_the_short_form_needs_both_of_its_keys(problems, good: str, key: str) -> None:
    lines = [line for line in good.splitlines() if not line.startswith(f"  {key}:")]
    (problem,) = problems("\n".join(lines))
    assert problem.reason == f"{key} of vrrp is missing"
    assert problem.hint.startswith(f"add a line such as {key}: ")


def test_the_classic_profile_supports_instances(problems) -> None:
    text = EXAMPLE.replace("standard", "classic").replace("254", "101").replace("253", "100")
    assert problems(text) == ()
