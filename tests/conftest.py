"""What all tests share: separate folders, and no subprocess in a unit test that is not marked for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.sources import fetch

MAY_START_PROGRAMS = {"integration", "e2e", "real_subprocess"}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Each test has its own state and build folders; integration and e2e tests share the cache and its layers."""
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path / "build"))
    if not {mark.name for mark in request.node.iter_markers()} & {"integration", "e2e"}:
        monkeypatch.setenv("VIPFORGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def no_real_subprocess(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a unit test that starts a program by mistake, and name the program."""
    if {mark.name for mark in request.node.iter_markers()} & MAY_START_PROGRAMS:
        return

    def refuse(argv: object, *_: object, **__: object) -> None:
        pytest.fail(f"this unit test started {argv!r}; mark it real_subprocess if it must")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture(autouse=True)
def no_vendor_in_reach(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `guest: auto` choose debian12 everywhere: no result may depend on the network of the host."""
    if "e2e" in {mark.name for mark in request.node.iter_markers()}:
        return
    ask = fetch._answers
    monkeypatch.setattr(fetch, "_answers", lambda url: url.startswith(("http://127.0.0.1", "file:")) and ask(url))


@pytest.fixture
def fake_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """`fake_program(name, script)` puts a POSIX sh script on PATH, before the real program."""
    folder = tmp_path / "fake-bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def make(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make
