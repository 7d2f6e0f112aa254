"""What can be wrong with a file before it is YAML."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.core.errors import Exit, LocatedProblem, SpecError
from builder.spec import load


def refusal(path: Path) -> LocatedProblem:
    with pytest.raises(SpecError) as caught:
        load.read_text(path)
    assert caught.value.exit_code == Exit.BAD_SPEC
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    return problem


def test_a_missing_file_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "cluster.yml")
    assert problem.reason == "there is no such file"
    assert problem.hint == f"vipforge init {tmp_path}/cluster.yml writes a spec to start from"


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    assert refusal(tmp_path).reason == "this is a folder, and a spec is one YAML file"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").reason == "this is no regular file, and a spec is one YAML file"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal comes from a stand-in, because root may read everything."""
    path = tmp_path / "cluster.yml"
    path.touch()
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert refusal(path).reason == "you may not read this file"


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "cluster.yml").reason == "the file cannot be read: Not a directory"


def test_a_name_longer_than_the_system_takes(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("x" * 300)).reason == "the file cannot be read: File name too long"


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path).reason == "the file is larger than 1 MiB"


def test_bytes_that_are_not_utf8_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes(b"cluster: demo\n# gr\xc3\xbc\xdfe\n")
    problem = refusal(path)
    assert (problem.line, problem.column) == (2, 6)
    assert problem.reason == "the text is not UTF-8"
    assert problem.value == "the byte 0xdf"


def test_another_encoding_is_told_at_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes("cluster: demo\n".encode("utf-16"))
    assert (refusal(path).line, refusal(path).column) == (1, 1)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes(b"\xef\xbb\xbfcluster: demo\n")
    assert load.read_text(path) == "cluster: demo\n"
