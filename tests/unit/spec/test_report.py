"""The output of `vipforge check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.spec import report
from builder.spec.load import load

PRESET = """\
presets:
  - preset: exchange2013
    tls: passthrough
    hosts: [mail.example.com]
    servers:
      - {name: mbx1, address: 10.0.0.31}
      - {name: mbx2, address: 10.0.0.32}
"""


@pytest.fixture
def path(tmp_path: Path, good: str) -> Path:
    file = tmp_path / "cluster.yml"
    file.write_text(good)
    return file


def test_the_summary_of_a_valid_spec_is_one_line(path: Path) -> None:
    assert (
        report.spec_summary(load(path))
        == "OK: cluster demo: 2 nodes, 2 VIPs, 2 services, profile standard, guest auto"
    )


def test_the_summary_counts_the_services_of_presets(path: Path) -> None:
    path.write_text(path.read_text().partition("services:")[0] + PRESET)
    (cluster,), _ = report.inspect([path])
    assert f"{len(cluster.services)} services" in report.spec_summary(cluster)
    assert len(cluster.services) > 1


def test_the_json_of_a_valid_spec_is_an_empty_list(path: Path) -> None:
    assert report.problems_json(report.problems([path])) == "[]"


def test_the_json_of_a_problem_has_its_place_and_reason(path: Path) -> None:
    path.write_text(path.read_text().replace("priority: 253", "priority: 0"))
    assert json.loads(report.problems_json(report.problems([path]))) == [
        {
            "file": str(path),
            "line": 17,
            "column": 15,
            "reason": "priority of node 2 must be 1 or more",
            "value": "0",
            "hint": "",
        }
    ]


def test_a_spec_without_an_ssh_key_gets_a_warning(path: Path) -> None:
    (warning,) = report.inspect([path])[1]
    assert warning.reason.startswith("nobody can log in to the nodes outside the lab")
    path.write_text(
        path.read_text()
        + "operator: {ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzpF3Hd1nbqRxQ7C0h5w0Q9lJ1cKZ0P2l3kLm4nOp5q]}\n"
    )
    assert report.inspect([path])[1] == ()
