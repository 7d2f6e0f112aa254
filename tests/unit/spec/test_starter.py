"""The spec that a new user starts from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.spec import report
from builder.spec.load import load


def test_the_starter_is_a_valid_spec(tmp_path: Path) -> None:
    report.write_starter(tmp_path / "new" / "cluster.yml")
    assert load(tmp_path / "new" / "cluster.yml").cluster == "mycluster"


def test_the_commented_keys_of_the_starter_are_valid(tmp_path: Path) -> None:
    """Uncomments every key; comments that fill a line stay, and the shortened SSH key is completed."""
    text = re.sub(r"^( *)# ?( *(- )?[a-z_]+:( |$)|    - ssh)", r"\1\2", report.STARTER.read_text(), flags=re.MULTILINE)
    text = text.replace("yaml-language-server", "# yaml-language-server").replace(
        "AAAA…", "AAAAC3NzaC1lZDI1NTE5AAAAIGzpF3Hd1nbqRxQ7C0h5w0Q9lJ1cKZ0P2l3kLm4nOp5q"
    )
    path = tmp_path / "cluster.yml"
    path.write_text(text)
    cluster = load(path)
    assert cluster.alerts is not None
    assert cluster.operator.ssh_keys
    assert cluster.image.mirror
    assert cluster.keepalived == "2.3.3"


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cluster.yml"
    make = {"file": path.touch, "folder": path.mkdir, "dangling link": lambda: path.symlink_to("nowhere")}
    make[kind]()
    with pytest.raises(UserError, match="already exists, and init overwrites nothing"):
        report.write_starter(path)
    assert path.is_symlink() == (kind == "dangling link")
    assert path.is_dir() == (kind == "folder")
    assert not path.is_file() or path.read_bytes() == b""
