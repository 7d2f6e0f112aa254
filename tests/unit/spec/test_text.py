"""Problems with a spec file before it is parsed as YAML."""

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


def test_a_missing_file_is_reported_with_the_command_that_writes_one(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "cluster.yml")
    assert problem.reason == "there is no such file"
    assert problem.hint == f"vipforge init {tmp_path}/cluster.yml writes a spec to start from"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).reason == "this is a folder, but a spec is a YAML file"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").reason == "this is not a regular file, but a spec is a YAML file"


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is simulated, because root may read every file."""
    path = tmp_path / "cluster.yml"
    path.touch()
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert refusal(path).reason == "permission denied"


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file" / "cluster.yml").reason == "the file cannot be read: Not a directory"


def test_a_file_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / ("x" * 300)).reason == "the file cannot be read: File name too long"


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path).reason == "the file is larger than 1 MiB"


def test_bytes_that_are_not_utf8_are_located(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes(b"cluster: demo\n# gr\xc3\xbc\xdfe\n")
    problem = refusal(path)
    assert (problem.line, problem.column) == (2, 6)
    assert problem.reason == "the text is not UTF-8"
    assert problem.value == "the byte 0xdf"


def test_another_encoding_is_reported_at_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes("cluster: demo\n".encode("utf-16"))
    assert (refusal(path).line, refusal(path).column) == (1, 1)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes(b"\xef\xbb\xbfcluster: demo\n")
    assert load.read_text(path) == "cluster: demo\n"
