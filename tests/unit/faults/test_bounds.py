"""The formula's bounds: RFC 3768 for version 2, RFC 9568 for version 3."""

from __future__ import annotations

import pytest

from builder.faults.limits import bound
from builder.faults.scenarios import Detection
from tests.specs import of_profile


@pytest.mark.parametrize(
    ("profile", "told", "silence", "haproxy", "hung"),
    [
        ("standard", 0.0117, 3.0117, 0.0117, 2.5117),
        ("fast", 0.0012, 0.3012, 0.0012, 0.5012),
    ],
)
def test_of_the_event_profiles(profile: str, told: float, silence: float, haproxy: float, hung: float) -> None:
    found = of_profile(profile)
    assert bound(found, Detection.TOLD) == told
    assert bound(found, Detection.SILENCE) == silence
    assert bound(found, Detection.HAPROXY) == haproxy
    assert bound(found, Detection.HUNG) == hung


def test_of_the_classic_profile() -> None:
    """The backup has 100 and the script's 2: its skew is (256 - 102) / 256 s, whatever the interval."""
    found = of_profile("classic")
    assert bound(found, Detection.TOLD) == 0.6016
    assert bound(found, Detection.SILENCE) == 3.6016
    assert bound(found, Detection.HAPROXY) == 5.6016
    assert bound(found, Detection.HUNG) is None


def test_low_priorities_cost_time() -> None:
    assert bound(of_profile("standard", (101, 100)), Detection.TOLD) == 0.6094


@pytest.mark.parametrize("notice", [Detection.OUTRANKED, Detection.NEVER])
def test_the_standards_say_nothing_of_the_rest(notice: Detection) -> None:
    assert bound(of_profile("fast"), notice) is None
