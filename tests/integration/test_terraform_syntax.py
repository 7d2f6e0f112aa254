"""The Terraform examples as far as they can be judged without Terraform: their syntax and form, by Packer's parser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from builder.core.run import run
from builder.image.packer.program import own

EXAMPLES = Path(__file__).parents[2] / "examples" / "terraform"
FILES = sorted(EXAMPLES.rglob("*.tf"))

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_the_example_is_well_formed_hcl(path: Path, tmp_path: Path) -> None:
    copy = shutil.copy(path, tmp_path / "example.pkr.hcl")  # the only names that it reads
    run([own().path, "fmt", "-check", "-diff", copy], timeout=60)
