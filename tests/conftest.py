"""What every test shares: no real subprocess in a unit test unless it says so, and folders of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.sources import fetch

MAY_START_PROGRAMS = {"integration", "e2e", "real_subprocess"}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """State and build folders of the test's own; end-to-end tests keep the shared cache, for its layers."""
    monkeypatch.setenv("VIPFORGE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path / "build"))
    if not {mark.name for mark in request.node.iter_markers()} & {"integration", "e2e"}:
        monkeypatch.setenv("VIPFORGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def no_real_subprocess(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that starts a program by mistake fails, and says which."""
    if {mark.name for mark in request.node.iter_markers()} & MAY_START_PROGRAMS:
        return

    def refuse(argv: object, *_: object, **__: object) -> None:
        pytest.fail(f"this unit test started {argv!r}; mark it real_subprocess if it must")

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture(autouse=True)
def no_vendor_in_reach(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`guest: auto` is debian12 everywhere: what a test sees must not hang on the network of the host that runs it."""
    if "e2e" in {mark.name for mark in request.node.iter_markers()}:
        return
    ask = fetch._answers
    monkeypatch.setattr(fetch, "_answers", lambda url: url.startswith(("http://127.0.0.1", "file:")) and ask(url))


@pytest.fixture
def fake_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """`fake_program(name, script)` puts a POSIX sh script on PATH, ahead of the real program."""
    folder = tmp_path / "fake-bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def make(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make
