"""Writing the seeds of several clusters: each cluster's in its own folder, and all of them or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.deploy.export import write_clusters
from builder.spec.model import Cluster
from tests.specs import quickstart

NODES = ("lb1.example.com", "lb2.example.com")


def clusters(*names: str) -> list[Cluster]:
    return [quickstart(cluster=name, guest="debian12") for name in names]


def test_each_cluster_gets_its_own_folder(tmp_path: Path) -> None:
    written = write_clusters(clusters("one", "two"), tmp_path / "seeds")
    assert written == {
        name: {node: tmp_path / "seeds" / name / f"{node}.iso" for node in NODES} for name in ("one", "two")
    }
    for paths in written.values():
        assert [path.stat().st_mode & 0o777 for path in paths.values()] == [0o600, 0o600]
    assert len(list((tmp_path / "seeds").rglob("*.iso"))) == 4


def test_a_single_cluster_gets_no_extra_folder(tmp_path: Path) -> None:
    (written,) = write_clusters(clusters("one"), tmp_path / "seeds").values()
    assert written == {node: tmp_path / "seeds" / f"{node}.iso" for node in NODES}


def test_a_problem_in_one_spec_leaves_no_seeds_at_all(tmp_path: Path) -> None:
    missing = {"certificates": [{"name": "web", "chain": "missing.pem", "key": "missing.key"}]}
    with pytest.raises(UserError, match="chain of certificate 1"):
        write_clusters(
            [*clusters("one"), quickstart(cluster="two", guest="debian12", tls=missing)], tmp_path / "seeds"
        )
    assert [path for path in (tmp_path / "seeds").rglob("*") if path.is_file()] == []
