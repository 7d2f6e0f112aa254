"""Specs that are given together: what two of them must not share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import LocatedProblem, SpecError
from builder.spec.checks.management import CARDS
from builder.spec.load import load
from builder.spec.together import load_together
from tests.unit.spec.test_ipv6 import EXAMPLE as IPV6
from tests.unit.spec.test_management import EXAMPLE as MANAGEMENT
from tests.unit.spec.test_management import NODE2

Write = Callable[[str, str], Path]

RENAMED = (
    ("cluster: demo", "cluster: other"),
    ("virtual_router_id: 10", "virtual_router_id: 11"),
    ("[10.1.2.10, 10.1.2.20]", "[10.1.2.50, 10.1.2.60]"),
    ("address: 10.1.2.11", "address: 10.1.2.51"),
    ("address: 10.1.2.12", "address: 10.1.2.52"),
)
"""What makes the valid spec one of another cluster in the same subnet."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


def another(text: str, *changes: tuple[str, str]) -> str:
    for old, new in (*RENAMED, *changes):
        assert old in text
        text = text.replace(old, new)
    return text


def found(*paths: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(SpecError) as failure:
        load_together(paths, load)
    return [(Path(each.file).name, each.line, each.reason) for each in failure.value.problems]


def test_two_clusters_of_one_subnet_may_be_given_together(write: Write, good: str) -> None:
    clusters, warnings = load_together([write("a.yml", good), write("b.yml", another(good))], load)
    assert [each.cluster for each in clusters] == ["demo", "other"]
    assert warnings == ()


@pytest.mark.parametrize(
    ("new", "line", "reason"),
    [
        (("[10.1.2.50,", "[10.1.2.20,"), 9, "VIP 1 of vrrp is also VIP 2 of vrrp in {a}:9"),
        (("[10.1.2.50,", "[10.1.2.11,"), 9, "VIP 1 of vrrp is also the address of node 1 in {a}:13"),
        (("address: 10.1.2.52", "address: 10.1.2.10"), 16, "address of node 2 is also VIP 1 of vrrp in {a}:9"),
        (
            ("address: 10.1.2.52", "address: 10.1.2.12"),
            16,
            "address of node 2 is also the address of node 2 in {a}:16",
        ),
    ],
)
def test_an_address_of_two_clusters_is_a_problem(
    write: Write, good: str, new: tuple[str, str], line: int, reason: str
) -> None:
    first, second = write("a.yml", good), write("b.yml", another(good, new))
    assert found(first, second) == [("b.yml", line, reason.format(a=first))]


def test_an_address_of_three_clusters_is_one_problem_that_names_all_specs(write: Write, good: str) -> None:
    taken = ("[10.1.2.50, 10.1.2.60]", "[10.1.2.50, 10.1.2.20]")
    first, second = write("a.yml", good), write("b.yml", another(good, taken))
    moved = another(good, taken, ("cluster: other", "cluster: third"), ("10.1.2.50,", "10.1.2.70,"))
    third = write("c.yml", moved.replace("10.1.2.51", "10.1.2.71").replace("10.1.2.52", "10.1.2.72"))
    places = f"VIP 2 of vrrp in {first}:9 and VIP 2 of vrrp in {second}:9"
    assert found(first, second, third) == [("c.yml", 9, f"VIP 2 of vrrp is also {places}")]


def test_a_name_and_a_router_id_of_three_clusters_are_reported_once(write: Write, good: str) -> None:
    first, second = (
        write("a.yml", good),
        write("b.yml", another(good, ("virtual_router_id: 11", "virtual_router_id: 10"))),
    )
    other = second.read_text().replace("cluster: other", "cluster: third")
    third = write("c.yml", re.sub(r"10\.1\.2\.([56])(\d)", r"10.1.2.1\1\2", other))
    _, (warning,) = load_together([first, second, third], load)
    assert warning.reason.count("virtual_router_id of vrrp in") == 2
    for path in (second, third):
        path.write_text(re.sub("cluster: .*", "cluster: demo", path.read_text(), count=1))
    reason = f"{first}:1 and {second}:1 describe a cluster of this name, too"
    assert found(first, second, third) == [("c.yml", 1, reason)]


@pytest.mark.parametrize("keys", [("mac", "mac"), ("mac", "management_mac")])
def test_a_network_card_of_two_clusters_is_a_problem(write: Write, keys: tuple[str, str]) -> None:
    texts = [
        MANAGEMENT.replace(NODE2, f"{NODE2}, {key}: '52:54:00:1a:2b:02', {other}: '52:54:00:1a:2b:0{number}'")
        for number, (key, other) in enumerate(({"mac": CARDS, "management_mac": CARDS[::-1]}[key] for key in keys), 3)
    ]
    moved = texts[1].replace("192.168.60.", "192.168.61.").replace("10.9.0.", "10.8.0.")
    first = write("a.yml", texts[0])
    second = write("b.yml", moved.replace("cluster: ", "cluster: other-").replace(":1a:2b:02", ":1A:2B:02"))
    ((file, _, reason),) = found(first, second)
    assert (file, reason.partition(f" in {first}")[0]) == (
        "b.yml",
        f"{keys[1]} of node 2 is also the {keys[0]} of node 2",
    )


def test_ipv6_addresses_count_too(write: Write) -> None:
    copy = write("b.yml", IPV6.replace("192.168.59.", "192.168.60.").replace("cluster: ", "cluster: other-"))
    reasons = [reason for _, _, reason in found(write("a.yml", IPV6), copy)]
    assert len(reasons) > 2
    assert all("address6" in reason or "VIP" in reason for reason in reasons)


def test_the_addresses_of_instances_count_too(write: Write, good: str) -> None:
    long = "instances:\n    - {name: one, virtual_router_id: 12, vips: [10.1.2.50]}"
    instances = (
        another(good).replace("virtual_router_id: 11\n", f"{long}\n").replace("  vips: [10.1.2.50, 10.1.2.60]\n", "")
    )
    first = write("a.yml", another(good))
    assert ("b.yml", 9, f"VIP 1 of instance 1 of vrrp is also VIP 1 of vrrp in {first}:9") in found(
        first, write("b.yml", instances)
    )


def test_two_clusters_of_one_name_are_a_problem(write: Write, good: str) -> None:
    first = write("a.yml", good)
    assert found(first, write("b.yml", another(good, ("cluster: other", "cluster: demo")))) == [
        ("b.yml", 1, f"{first}:1 describes a cluster of this name, too")
    ]


def test_a_spec_that_is_given_twice_is_one_problem(write: Write, good: str) -> None:
    path = write("a.yml", good)
    assert found(path, path.parent / "." / "a.yml") == [("a.yml", 1, "this spec is given twice")]


def test_the_problems_of_all_specs_are_reported_together(write: Write, good: str) -> None:
    broken = good.replace("prefix: 24", "prefix: 240").replace("priority: 253", "priority: 0")
    assert found(write("a.yml", broken), write("b.yml", good), write("c.yml", another(broken))) == [
        ("a.yml", 4, "prefix of network must be 30 or less"),
        ("a.yml", 17, "priority of node 2 must be 1 or more"),
        ("c.yml", 4, "prefix of network must be 30 or less"),
        ("c.yml", 17, "priority of node 2 must be 1 or more"),
    ]


def test_a_router_id_of_two_clusters_in_one_subnet_is_a_warning(write: Write, good: str) -> None:
    first = write("a.yml", good)
    second = write("b.yml", another(good, ("virtual_router_id: 11", "virtual_router_id: 10")))
    reason = f"virtual_router_id of vrrp is also the virtual_router_id of vrrp in {first}:8, in the same subnet"
    hint = "give each VRRP group of a subnet a number of its own"
    assert load_together([first, second], load)[1] == (LocatedProblem(str(second), 8, 22, reason, "10", hint),)


def test_clusters_in_different_subnets_may_have_the_same_router_id(write: Write, good: str) -> None:
    far = good.replace("10.1.2.", "10.1.3.").replace("cluster: demo", "cluster: other")
    assert load_together([write("a.yml", good), write("b.yml", far)], load)[1] == ()


def test_one_cluster_may_serve_for_another(write: Write, good: str) -> None:
    chained = another(
        good, ("{name: web1, address: 10.1.2.31, port: 8080}", "{name: web1, address: 10.1.2.10, port: 80}")
    )
    assert load_together([write("a.yml", good), write("b.yml", chained)], load)[1] == ()
