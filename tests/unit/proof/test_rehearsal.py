"""What a rehearsal refuses before it does anything."""

from __future__ import annotations

import os

import pytest

from builder.errors import HostLacks
from builder.proof import rehearsal
from builder.proof.campaign import Asked
from tests.specs import QUICKSTART


def test_another_user_than_root_is_told_before_keepalived_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(rehearsal.keepalived, "build", lambda *_, **__: pytest.fail("keepalived was compiled"))
    with pytest.raises(HostLacks, match="needs root"):
        rehearsal.rehearse(QUICKSTART, Asked())
