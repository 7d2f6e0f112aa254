"""Default priorities, which follow from the order of the nodes and the profile, for all nodes or for none."""

from __future__ import annotations

import pytest
import yaml

from builder.faults import limits
from builder.faults.scenarios import Detection
from builder.spec.load import load
from tests import examples
from tests.specs import of_profile

PROFILES = ("classic", "standard", "fast")


@pytest.mark.parametrize(
    ("profile", "priorities"), [("classic", [101, 100]), ("standard", [254, 253]), ("fast", [254, 253])]
)
def test_default_priorities_follow_from_the_order_of_the_nodes_and_the_profile(
    profile: str, priorities: list[int]
) -> None:
    cluster = load(examples.FOLDER / f"{profile}.yml")
    (only,) = cluster.vrrp.all_instances
    assert [node.priority for node in cluster.nodes] == [None, None]
    assert [cluster.priority(node, only) for node in cluster.nodes] == priorities
    assert [node.name for node in cluster.ranking(only)] == ["lb1.example.com", "lb2.example.com"]


@pytest.mark.parametrize("profile", PROFILES)
def test_default_priorities_give_the_same_limits_as_explicit_ones(profile: str) -> None:
    left_out, given = load(examples.FOLDER / f"{profile}.yml"), of_profile(profile)
    assert [limits.bound(left_out, each) for each in Detection] == [limits.bound(given, each) for each in Detection]


def test_the_examples_differ_only_in_the_profile() -> None:
    specs = [yaml.safe_load((examples.FOLDER / f"{name}.yml").read_text()) for name in PROFILES]
    assert [(spec.pop("cluster"), spec["vrrp"].pop("profile")) for spec in specs] == [
        (f"failover-{name}", name) for name in PROFILES
    ]
    assert specs[0] == specs[1] == specs[2]


def test_all_nodes_have_a_priority_or_none_has(problems, good: str) -> None:
    without = good.replace("    priority: 254\n", "").replace("    priority: 253\n", "")
    assert problems(without) == ()
    (problem,) = problems(good.replace("    priority: 253\n", ""))
    assert problem.reason == "priority of node 2 is missing"
    assert problem.hint == "give every node a priority, or none of them: then the first node has the highest"


def test_an_empty_priority_is_a_problem(problems, good: str) -> None:
    (problem,) = problems(good.replace("priority: 253", "priority:"))
    assert (problem.reason, problem.hint) == ("priority of node 2 has no value", "give one, or remove priority")
