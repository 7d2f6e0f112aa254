"""CentOS 7 baked, booted and verified, where its base can be had; what is said where it cannot."""

from __future__ import annotations

import pytest

from builder.guests import known
from builder.sources.pins import pin
from builder.sources.reach import in_reach
from tests.e2e.conftest import LAB_SECONDS, ROOT, Session

pytestmark = pytest.mark.e2e

SPEC = ROOT / "examples" / "exchange2013-centos7.yml"
BASE = pin("centos7-cloud", "2211")
BAKE_SECONDS = 4 * 60 * 60


def test_centos7_is_baked_booted_and_verified(session: Session) -> None:
    if not in_reach(BASE, offline=False):
        pytest.skip(f"not run: base unreachable ({BASE.file} is neither cached nor at {', '.join(BASE.urls)})")
    baked = session.run("image", SPEC, timeout=BAKE_SECONDS)
    assert baked.returncode == 0, baked.stderr
    try:
        up = session.run("lab", "up", SPEC)
        assert up.returncode == 0, up.stderr
        verified = session.run("verify", SPEC, timeout=LAB_SECONDS)
        assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        session.run("lab", "down", SPEC)


def test_a_base_that_is_nowhere_is_asked_for_by_name(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_CACHE", str(session.folder / "empty-cache"))
    done = session.run("image", SPEC, "--guest", "centos7", "--offline", timeout=120)
    assert done.returncode == 1
    assert known()["centos7"].pins["disk"] == BASE
    for words in (*BASE.urls, f"{BASE.algorithm} {BASE.digest}", f"put {BASE.file} into a folder", "VIPFORGE_MIRROR"):
        assert words in done.stderr
