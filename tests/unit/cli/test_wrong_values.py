"""Wrong arguments, options and environment variables: exit code 2, and a message in words of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder import cli
from builder.core.errors import Exit

Run = Callable[..., int]


@pytest.mark.parametrize("number", ["nan", "inf", "-1"])
@pytest.mark.parametrize(
    "words",
    [
        ("verify", "cluster.yml", "--wait"),
        ("push", "cluster.yml", "--wait"),
        ("deploy", "libvirt", "cluster.yml", "--wait"),
        ("upgrade", "libvirt", "cluster.yml", "--wait"),
        ("rehearse", "cluster.yml", "--rate"),
        ("cache", "prune", "--to"),
    ],
)
@pytest.mark.usefixtures("vipforge")
def test_a_limit_must_be_a_number_that_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, words: tuple[str, ...], number: str
) -> None:
    monkeypatch.setattr("sys.argv", ["vipforge", *words, number])
    monkeypatch.setattr(cli, "MODULES", ("verify", "deploy", "host"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2  # as docs/exit-codes.md says of a wrong command line
    assert f"Invalid value for '{words[-1]}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("init", "--example", "nope"),
        ("init", "new.yml", "--ssh-key", "nope"),
        ("init", "new.yml", "--ssh-key", "private"),
        ("inspect", "nope.qcow2"),
        ("diff", "nope", "nope"),
        ("export", "nope.qcow2", "--to", "ova"),
        ("upgrade", "libvirt", "cluster.yml", "--image", "nope.qcow2"),
        ("deploy", "libvirt", "cluster.yml", "--image", "nope.qcow2"),
    ],
    ids=lambda words: " ".join(words[:3]),
)
def test_a_wrong_argument_exits_with_2_and_is_named(
    vipforge: Run,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "MODULES", ("spec", "image", "deploy"))
    monkeypatch.chdir(tmp_path)
    Path("private").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    vipforge("init", "cluster.yml")
    capsys.readouterr()
    assert vipforge(*words) == Exit.BAD_SPEC
    message = capsys.readouterr().err
    assert any(word in message for word in ("nope", "private"))
    assert "manifest.json" not in message
    assert not Path("new.yml").exists()


@pytest.mark.parametrize("words", [("cache", "list"), ("cache", "prune"), ("image", "cluster.yml", "--explain")])
def test_a_wrong_size_of_the_cache_is_refused_by_every_command_that_shows_it(
    vipforge: Run,
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "MODULES", ("spec", "image", "host"))
    monkeypatch.chdir(tmp_path)
    vipforge("init", "cluster.yml")
    monkeypatch.setenv("VIPFORGE_CACHE_GIB", "abc")
    assert vipforge(*words) == Exit.BAD_SPEC
    assert "VIPFORGE_CACHE_GIB is 'abc'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("seed", "a.yml", "--for", "nope"), "'nope' is not one of 'libvirt'."),
        (("export", "a", "--to", "nope"), "'nope' is not one of 'ova', 'vmdk', 'raw', 'vhdx'."),
        (("verify", "a.yml", "--wait", "soon"), "'soon' is not a valid number."),
        (("rehearse", "a.yml", "--repeat", "1.5"), "'1.5' is not a valid integer."),
        (("rehearse", "a.yml", "--repeat", "0"), "0 is less than 1."),
        (("rehearse", "a.yml", "--repeat", "1001"), "1001 is more than 1000."),
    ],
    ids=lambda value: " ".join(value[::2]) if isinstance(value, tuple) else "",
)
@pytest.mark.usefixtures("vipforge")
def test_the_value_of_an_option_is_refused_in_words_of_the_command_line(
    words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["vipforge", *words])
    monkeypatch.setattr(cli, "MODULES", ("spec", "verify", "deploy"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == Exit.BAD_SPEC
    assert capsys.readouterr().err.endswith(f"Error: Invalid value for '{words[-2]}': {message}\n")
