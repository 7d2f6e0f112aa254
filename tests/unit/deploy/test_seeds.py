"""Writing the seeds of several specs: each spec's in its own folder, and all of them or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.deploy.export import write_specs
from tests.specs import QUICKSTART

NODES = ("lb1.example.com", "lb2.example.com")


def specs(folder: Path, *names: str) -> list[Path]:
    paths = []
    for number, name in enumerate(names):
        path = folder / f"{number}.yml"
        text = QUICKSTART.read_text().replace("cluster: quickstart", f"cluster: {name}")
        path.write_text(text.replace("guest: auto", "guest: debian12"))
        paths.append(path)
    return paths


def test_each_cluster_gets_its_own_folder(tmp_path: Path) -> None:
    written = write_specs(specs(tmp_path, "one", "two"), tmp_path / "seeds")
    assert written == {
        name: {node: tmp_path / "seeds" / name / f"{node}.iso" for node in NODES} for name in ("one", "two")
    }
    for paths in written.values():
        assert [path.stat().st_mode & 0o777 for path in paths.values()] == [0o600, 0o600]
    assert len(list((tmp_path / "seeds").rglob("*.iso"))) == 4


def test_a_single_cluster_gets_no_extra_folder(tmp_path: Path) -> None:
    (written,) = write_specs(specs(tmp_path, "one"), tmp_path / "seeds").values()
    assert written == {node: tmp_path / "seeds" / f"{node}.iso" for node in NODES}


def test_a_problem_in_one_spec_leaves_no_seeds_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another spec describes cluster one"):
        write_specs(specs(tmp_path, "one", "two", "one"), tmp_path / "seeds")
    assert [path for path in (tmp_path / "seeds").rglob("*") if path.is_file()] == []
