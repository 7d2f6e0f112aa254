"""The adapter around python-packer, with a stub program that records its arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.image.packer.run import Packer

pytestmark = pytest.mark.real_subprocess


def driver(folder: Path, script: str) -> Packer:
    program, template = folder / "packer", folder / "a.pkr.json"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    template.write_text("{}")
    return Packer(template, program=program, environment={"PACKER_LOG": "1"})


def test_validate_passes_the_template(tmp_path: Path) -> None:
    driver(tmp_path, f'echo "$@" "$PACKER_LOG" "$CHECKPOINT_DISABLE" > {tmp_path}/said').validate()
    assert (tmp_path / "said").read_text() == f"validate {tmp_path}/a.pkr.json 1 1\n"


@pytest.mark.parametrize(
    ("given", "got"),
    [
        ({"PKR_VAR_vsphere_password": "one"}, "one"),
        ({"VIPFORGE_VSPHERE_PASSWORD": "two"}, "two"),
        ({"VIPFORGE_VSPHERE_PASSWORD": "two", "PKR_VAR_vsphere_password": "one"}, "one"),
    ],
)
def test_only_packers_variables_are_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], got: str
) -> None:
    for name, value in {**given, "SOMETHING_ELSE": "no"}.items():
        monkeypatch.setenv(name, value)
    driver(tmp_path, f"env > {tmp_path}/said").validate()
    said = (tmp_path / "said").read_text().splitlines()
    assert f"PKR_VAR_vsphere_password={got}" in said
    assert not [line for line in said if "SOMETHING_ELSE" in line]


def test_missing_variables_are_listed(tmp_path: Path) -> None:
    said = 'Error: Unset variable "vsphere_server"\nError: Unset variable "vsphere_network"'
    with pytest.raises(UserError, match="this builder needs vsphere_network, vsphere_server") as caught:
        driver(tmp_path, f"echo '{said}'; exit 1").validate()
    assert "--var-file" in caught.value.hint


def test_a_rejected_template_is_reported_with_packers_message(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        driver(tmp_path, 'echo "Error: unsupported argument"; exit 1').validate()
    assert "Packer rejects the template" in str(caught.value)
    assert "Error: unsupported argument" in str(caught.value)


def test_build_uses_no_option_that_packer_has_dropped(tmp_path: Path) -> None:
    words: list[list[str]] = []
    driver(tmp_path, "").build(words.append)
    assert words == [[f"{tmp_path}/packer", "build", "-machine-readable", f"{tmp_path}/a.pkr.json"]]
