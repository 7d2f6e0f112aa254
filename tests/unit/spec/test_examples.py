"""The examples, as `vipforge init --example` writes them."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.spec import report
from builder.spec.load import load
from builder.spec.own_key import OwnKey
from builder.spec.starter import all_examples, write_example
from tests.unit.spec.faulty import KEY

OWN = OwnKey(KEY, "a test")


@pytest.mark.parametrize("name", all_examples())
def test_an_example_is_valid_as_it_is_written(tmp_path: Path, name: str) -> None:
    """Without any warning: there is a key, and no certificate is about to expire."""
    path = write_example(name, tmp_path / "new", OWN)
    (cluster,), warnings = report.inspect([path])
    assert warnings == ()
    assert cluster.operator.ssh_keys == (KEY,)
    assert cluster.services == load(all_examples()[name]).services


@pytest.mark.parametrize("name", ["exchange2013", "webfarm"])
@pytest.mark.real_subprocess
def test_secrets_are_private_marked_and_out_of_version_control(tmp_path: Path, name: str) -> None:
    path = write_example(name, tmp_path)
    lines = path.read_text().split("\n")
    assert lines[0].startswith("# yaml-language-server:")
    assert "They are for the lab: replace them" in lines[1]
    secret = [each for folder in ("certificates", "secrets") for each in tmp_path.glob(f"{folder}/*")]
    assert secret
    assert {each.stat().st_mode & 0o777 for each in secret} == {0o600}
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "--all"], check=True)
    listed = subprocess.run(["git", "-C", tmp_path, "ls-files"], check=True, capture_output=True, text=True).stdout
    assert listed.split() == [".gitignore", "cluster.yml"]


def test_two_copies_of_an_example_share_no_secret(tmp_path: Path) -> None:
    for copy in ("one", "two"):
        write_example("exchange2013", tmp_path / copy)
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file() and path.name not in {"cluster.yml", ".gitignore"}:
            assert path.read_bytes() != (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_an_example_without_secrets_is_one_file(tmp_path: Path) -> None:
    write_example("quickstart", tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["cluster.yml"]
    assert (tmp_path / "cluster.yml").read_text() == all_examples()["quickstart"].read_text()


@pytest.mark.parametrize("existing", ["cluster.yml", "certificates/mail.key"])
def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).parent.mkdir(exist_ok=True)
    (tmp_path / existing).touch()
    with pytest.raises(UserError, match="already exists, and init overwrites nothing"):
        write_example("exchange2013", tmp_path)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [tmp_path / existing]


@pytest.mark.parametrize(("name", "hint"), [("exchange", "did you mean exchange20"), ("zzz", "the examples are act")])
def test_an_unknown_example_is_answered_with_the_known_ones(tmp_path: Path, name: str, hint: str) -> None:
    with pytest.raises(UserError, match=f"there is no example {name}") as caught:
        write_example(name, tmp_path)
    assert hint in caught.value.hint


def test_no_two_examples_have_the_same_name() -> None:
    names = Counter(load(path).cluster for path in all_examples().values())
    assert [name for name, count in names.items() if count > 1] == []
