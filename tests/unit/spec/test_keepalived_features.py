"""The features of keepalived releases, and which profiles they can run."""

from __future__ import annotations

import pytest

from builder.core.errors import Exit
from builder.spec import keepalived_features
from builder.spec.load import load
from builder.spec.model import Cluster
from builder.spec.vrrp import PROFILES


@pytest.fixture
def cluster(tmp_path, good: str) -> Cluster:
    path = tmp_path / "cluster.yml"
    path.write_text(good)
    return load(path)


@pytest.mark.parametrize(
    ("version", "feature", "there"),
    [
        ("1.2.13", "unicast_peer", True),
        ("1.2.13", "garp_master_refresh", True),
        ("1.2.13", "vrrp_version", False),
        ("1.2.9", "garp_master_refresh", False),
        ("1.2.20", "smtp_helo_name", True),
        ("1.2.19", "smtp_helo_name", False),
        ("2.0.0", "track_file", True),
        ("2.0.10", "track_process", False),
        ("2.2.7", "track_process", True),
    ],
)
def test_releases_are_compared_as_numbers(version: str, feature: str, there: bool) -> None:
    assert keepalived_features.has(version, feature) is there


def test_an_unknown_feature_raises_key_error() -> None:
    with pytest.raises(KeyError):
        keepalived_features.has("2.3.3", "teleport")


@pytest.mark.parametrize(
    ("profile", "version", "count"),
    [
        ("classic", "1.2.13", 0),
        ("standard", "1.2.13", 2),
        ("fast", "1.2.13", 4),
        ("fast", "2.0.20", 1),
        ("standard", "2.2.7", 0),
        ("fast", "2.3.4", 0),
    ],
)
def test_a_profile_is_refused_for_each_missing_feature(profile: str, version: str, count: int) -> None:
    assert len(keepalived_features.refusals(PROFILES[profile], version)) == count


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_oldest_release_for_a_profile_lacks_nothing(profile) -> None:
    assert keepalived_features.refusals(profile, keepalived_features.oldest(profile)) == ()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_feature_that_a_profile_needs_is_described(profile) -> None:
    assert (
        set(keepalived_features.needs(profile)) <= set(keepalived_features.PURPOSE) <= set(keepalived_features.SINCE)
    )


def test_a_guests_default_that_is_too_old_is_refused(cluster: Cluster) -> None:
    with pytest.raises(keepalived_features.KeepalivedTooOld) as caught:
        keepalived_features.check_version(cluster, "1.2.13")
    assert caught.value.exit_code == Exit.BAD_SPEC
    assert caught.value.message.startswith("keepalived 1.2.13 lacks what profile standard needs: VRRP version 3")
    assert caught.value.hint == "set profile: classic, or keepalived to 2.0.0 or later"


def test_a_guests_default_that_is_new_enough_is_accepted(cluster: Cluster) -> None:
    keepalived_features.check_version(cluster, "2.3.3")
