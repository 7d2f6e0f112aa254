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


def test_a_strange_file_name_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[2J.yml"
    (line, _) = str(refusal(path)).split("\n")
    assert line.startswith(f"{tmp_path}/a\\nb\\x1b[2J.yml:1:1: ")


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ('"\\n"', "\\n"),
        ('"a\\nb"', "a\\nb"),
        ('"\\e[31m"', "\\x1b[31m"),
        ('"\\u202e"', "\\u202e"),
        ('""', '""'),
        ("x" * 300, "xxx…"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "libvirt: {{{}}}", "proof: {{limits: {{{}}}}}"])
def test_a_strange_key_is_reported_on_one_line_at_its_place(
    problems, good: str, around: str, key: str, shown: str
) -> None:
    """Also what is wrong with its value names it safely."""
    text = good + around.format(f"{key}: 0x1f") + "\n"
    for problem in problems(text):
        assert all(part.isprintable() for part in (problem.reason, problem.value, problem.hint)), problem
        assert str(problem).count("\n") <= 1
    at_key = [each for each in problems(text) if each.line == text.count("\n")]
    assert any(shown[:3] in f"{each.reason}{each.value}" for each in at_key)


@pytest.mark.parametrize(
    "line",
    [
        "image: {mirror: 'http://user:SECRET@x/debian'}",
        "image: {mirror: 'http://user:a@SECRET@x/debian'}",
        "image: {mirror: 'http://user:a/SECRET@x/debian'}",
        "image: {mirror: 'HTTP://user%3ASECRET@x/debian'}",
        "image: {epel: true, epel_mirror: 'ftp://user:SECRET@x'}",
        "image: {mirror: {'http://user:SECRET@x': 1}}",
        "libvirt: {hosts: ['qemu+ssh://root:a/SECRET@kvm1/system']}",
        "libvirt: {hosts: ['qemu+ssh://root%3aSECRET@kvm1/system']}",
        "libvirt: {hosts: ['esx://root:SECRET@kvm1/system']}",
        "operator: {user: 'http://user:SECRET@x'}",
    ],
)
def test_no_message_contains_a_password_of_an_address(problems, good: str, line: str) -> None:
    found = problems(f"{good}{line}\n")
    assert found
    assert "SECRET" not in "".join(map(str, found))
