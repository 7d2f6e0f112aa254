"""The command line of mmdebstrap, and the messages for its failures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import HostLacks, UserError
from builder.core.run import CommandFailed
from builder.rootfs import mmdebstrap
from builder.rootfs.mirror import KEYRING, Archive, Mirror
from builder.rootfs.mmdebstrap import Recipe, make_root

RECIPE = Recipe("bookworm", ("haproxy", "sudo"), hooks=('rm -f "$1"/etc/ssh/ssh_host_*',))
SOURCE = Mirror(
    "bookworm",
    (
        Archive("http://mirror.example/debian", ("bookworm", "bookworm-updates")),
        Archive("http://mirror.example/debian-security", ("bookworm-security",)),
    ),
)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would be run; none is."""
    commands: list[list[str]] = []

    def stream(argv: list[str], on_line: object, **_: object) -> int:
        commands.append(argv)
        on_line("I: installing")
        return 0

    monkeypatch.setattr(mmdebstrap, "need", lambda program, _: f"/usr/bin/{program}")
    monkeypatch.setattr(mmdebstrap, "stream", stream)
    return commands


def after(argv: list[str], program: str) -> list[str]:
    return argv[argv.index(program) + 1 :]


def test_the_command_line_is_complete(commands: list[list[str]], tmp_path: Path) -> None:
    make_root(RECIPE, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    words = after(commands[0], "/usr/bin/mmdebstrap")
    assert "--variant=minbase" in words
    assert "--architectures=amd64" in words
    assert "--include=haproxy,sudo" in words
    assert f"--keyring={KEYRING}" in words
    assert '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*' in words
    assert words[-5:] == ["bookworm", f"{tmp_path}/root.tar", *SOURCE.lines()]


def test_a_slim_root_has_neither_perl_nor_sources_of_locales(commands: list[list[str]], tmp_path: Path) -> None:
    slim = replace(RECIPE, slim=True)
    for recipe in (RECIPE, slim):
        make_root(recipe, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    plain_words, slim_words = (set(after(command, "/usr/bin/mmdebstrap")) for command in commands)
    assert {word for word in slim_words - plain_words if "sync-" not in word} == {
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        "--dpkgopt=path-exclude=/usr/share/i18n/locales/*",
        "--dpkgopt=path-exclude=/usr/share/i18n/charmaps/*",
    }
    assert set(slim.text().splitlines()) - set(RECIPE.text().splitlines()) == {
        mmdebstrap.MERGED_USR,
        "/usr/share/i18n/locales/*",
        "/usr/share/i18n/charmaps/*",
    }


def test_its_output_goes_to_the_log(commands: list[list[str]], tmp_path: Path) -> None:
    make_root(RECIPE, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    assert len(commands) == 1
    assert (tmp_path / "log").read_text() == "I: installing\n"


def test_licences_are_kept_and_other_documents_are_not(commands: list[list[str]], tmp_path: Path) -> None:
    make_root(RECIPE, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    options = [word for word in commands[0] if word.startswith("--dpkgopt")]
    included = options.index("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    assert included > options.index("--dpkgopt=path-exclude=/usr/share/doc/*")


@pytest.mark.parametrize("user", [0, 1000])
def test_it_ends_with_vipforge_as_root_and_as_a_user(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    make_root(RECIPE, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    assert commands[0][:2] == ["setpriv", "--pdeathsig"]
    assert ("--kill-child" in commands[0]) == (user == 0)


def test_the_error_for_a_missing_mmdebstrap_names_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.core.run.find_program", lambda _: None)
    with pytest.raises(HostLacks) as caught:
        make_root(RECIPE, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    assert "apt-get install mmdebstrap" in caught.value.hint


@pytest.mark.parametrize(
    ("tail", "message", "hint"),
    [
        (
            ["E: Failed to fetch http://mirror.example/x  404"],
            "downloading packages from the Debian mirror http://mirror.example/debian failed",
            "image: mirror",
        ),
        (["Could not resolve 'mirror.example'"], "the Debian mirror http://mirror.example/debian", "image: mirror"),
        (
            ["E: The repository 'file:/x bookworm Release' does not have a Release file."],
            "Release file",
            "image: mirror",
        ),
        (["Connection timed out"], "the Debian mirror", "check that the mirror is up"),
        (["tar: write error: No space left on device"], "the disk is full", "VIPFORGE_CACHE"),
        (["E: something else"], "mmdebstrap failed with exit code 25: E: something else", ""),
    ],
)
def test_failures_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: list[str], message: str, hint: str
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise CommandFailed(["mmdebstrap"], 25, tail)

    monkeypatch.setattr(mmdebstrap, "need", lambda program, _: program)
    monkeypatch.setattr(mmdebstrap, "stream", fail)
    with pytest.raises(UserError) as caught:
        make_root(RECIPE, SOURCE, tmp_path / "root.tar", tmp_path / "log")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_hint_for_a_full_disk_mentions_tmp_for_users_other_than_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their roots are in /tmp, not in the cache."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    test_failures_are_explained(tmp_path, monkeypatch, ["dd: No space left on device"], "the disk is full", "TMPDIR")


def test_the_text_of_a_recipe_depends_on_all_of_it() -> None:
    others = (Recipe("trixie", RECIPE.packages, RECIPE.hooks), Recipe("bookworm", ("sudo",), RECIPE.hooks))
    assert len({each.text() for each in (RECIPE, *others, Recipe("bookworm", RECIPE.packages))}) == 4
