"""A rehearsal checks the host before it does anything."""

from __future__ import annotations

import os

import pytest

from builder.core.errors import HostLacks
from builder.faults import campaign
from builder.faults.campaign import CampaignOptions
from tests.specs import QUICKSTART


def test_root_is_required_before_keepalived_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(campaign.compiled, "build_keepalived", lambda *_, **__: pytest.fail("keepalived was compiled"))
    with pytest.raises(HostLacks, match="needs root"):
        campaign.rehearse(QUICKSTART, CampaignOptions())
