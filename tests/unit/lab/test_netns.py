"""The netns pair on hosts that cannot run one; tests/integration/test_pair_* run it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builder.core import run
from builder.core.errors import HostLacks
from builder.guests import all_guests
from builder.lab import netns
from tests.specs import quickstart


def start() -> None:
    with netns.pair(quickstart(), all_guests()["debian12"], "2.3.3", Path("unused.tar")):
        pytest.fail("the pair started")


def test_a_user_other_than_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostLacks, match="needs root"):
        start()


@pytest.mark.parametrize(("program", "package"), [("haproxy", "haproxy"), ("killall", "psmisc")])
def test_a_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, program: str, package: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(run, "find_program", lambda name: None if name == program else f"/usr/bin/{name}")
    with pytest.raises(HostLacks, match=f"{program} is not installed") as caught:
        start()
    assert caught.value.hint.endswith(package)
