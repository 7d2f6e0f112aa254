"""The hand-written template in the benchmark of bakes is valid for Packer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.contestants import HAND_WRITTEN, packer_words
from builder.core.run import run
from builder.image.packer.program import program

pytestmark = pytest.mark.integration


def test_packer_accepts_the_hand_written_template(tmp_path: Path) -> None:
    for name in ("base.qcow2", "keepalived.tar.gz"):
        (tmp_path / name).write_text("x")
    words = packer_words(tmp_path, tmp_path / "base.qcow2", tmp_path / "keepalived.tar.gz", "tcg")
    run([program().path, "validate", *words], timeout=60, cwd=HAND_WRITTEN)
