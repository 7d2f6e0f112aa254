"""Seeds of several specs in one call: each in its folder, all or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.deploy.export import write_specs
from tests.specs import QUICKSTART

NODES = ("lb1.example.com", "lb2.example.com")


def specs(folder: Path, *names: str) -> list[Path]:
    made = []
    for number, name in enumerate(names):
        path = folder / f"{number}.yml"
        text = QUICKSTART.read_text().replace("cluster: quickstart", f"cluster: {name}")
        path.write_text(text.replace("guest: auto", "guest: debian12"))
        made.append(path)
    return made


def test_each_cluster_has_a_folder_of_its_own(tmp_path: Path) -> None:
    made = write_specs(specs(tmp_path, "one", "two"), tmp_path / "seeds")
    assert made == {
        name: {node: tmp_path / "seeds" / name / f"{node}.iso" for node in NODES} for name in ("one", "two")
    }
    for paths in made.values():
        assert [path.stat().st_mode & 0o777 for path in paths.values()] == [0o600, 0o600]
    assert len(list((tmp_path / "seeds").rglob("*.iso"))) == 4


def test_one_cluster_alone_needs_none(tmp_path: Path) -> None:
    (made,) = write_specs(specs(tmp_path, "one"), tmp_path / "seeds").values()
    assert made == {node: tmp_path / "seeds" / f"{node}.iso" for node in NODES}


def test_a_fault_in_one_spec_leaves_no_seed_of_any(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another spec is of cluster one"):
        write_specs(specs(tmp_path, "one", "two", "one"), tmp_path / "seeds")
    assert [path for path in (tmp_path / "seeds").rglob("*") if path.is_file()] == []
