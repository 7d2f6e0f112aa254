"""Loading a spec gives a cluster, or all problems together."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from builder.core.errors import SpecError
from builder.spec.load import load

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "spec"


def test_all_problems_are_reported_together_in_the_order_of_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    with pytest.raises(SpecError) as caught:
        load(Path("faulty.yml"))
    assert f"{caught.value}\n" == (GOLDEN / "faulty.txt").read_text()
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert places == sorted(places)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yml")), ids=lambda path: path.name)
def test_every_example_is_valid(path: Path) -> None:
    assert load(path).nodes


def test_the_quick_start_is_loaded_as_written() -> None:
    cluster = load(ROOT / "examples" / "quickstart.yml")
    assert cluster.vrrp.vips == (IPv4Address("192.168.56.10"),)
    assert [(node.name, node.priority) for node in cluster.nodes] == [
        ("lb1.example.com", 254),
        ("lb2.example.com", 253),
    ]
    assert str(cluster.subnet()) == "192.168.56.0/24"
    assert cluster.node("lb2") == cluster.node("lb2.example.com") == cluster.nodes[1]
    assert cluster.node("lb3") is None
