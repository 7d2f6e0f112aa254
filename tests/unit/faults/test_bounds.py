"""The bounds by formula: RFC 3768 for VRRP version 2, RFC 9568 for version 3."""

from __future__ import annotations

import pytest

from builder.faults.limits import bound
from builder.faults.scenarios import Detection
from tests.specs import of_profile


@pytest.mark.parametrize(
    ("profile", "priority_zero", "silence", "haproxy", "hung"),
    [
        ("standard", 0.0117, 3.0117, 0.0117, 2.5117),
        ("fast", 0.0012, 0.3012, 0.0012, 0.5012),
    ],
)
def test_bounds_of_the_event_profiles(
    profile: str, priority_zero: float, silence: float, haproxy: float, hung: float
) -> None:
    found = of_profile(profile)
    assert bound(found, Detection.PRIORITY_ZERO) == priority_zero
    assert bound(found, Detection.SILENCE) == silence
    assert bound(found, Detection.HAPROXY_EXIT) == haproxy
    assert bound(found, Detection.HAPROXY_HUNG) == hung


def test_bounds_of_the_classic_profile() -> None:
    """The backup's priority is 100 plus the script's 2: its skew is (256 - 102) / 256 s, whatever the interval."""
    found = of_profile("classic")
    assert bound(found, Detection.PRIORITY_ZERO) == 0.6016
    assert bound(found, Detection.SILENCE) == 3.6016
    assert bound(found, Detection.HAPROXY_EXIT) == 5.6016
    assert bound(found, Detection.HAPROXY_HUNG) is None


def test_low_priorities_increase_the_bound() -> None:
    assert bound(of_profile("standard", (101, 100)), Detection.PRIORITY_ZERO) == 0.6094


@pytest.mark.parametrize("detection", [Detection.OUTRANKED, Detection.NONE])
def test_the_standards_do_not_define_the_rest(detection: Detection) -> None:
    assert bound(of_profile("fast"), detection) is None
