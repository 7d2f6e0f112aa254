"""What a spec needs from upstream servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.guests import all_guests
from builder.image import preview
from builder.image.foundations import guest_of
from builder.image.foundations.rpm import RpmGuest
from builder.sources import Pin

EXAMPLES = Path(__file__).parents[3] / "examples"
ARTICLE = str(EXAMPLES / "exchange2013-centos7.yml")


def named(pins: list[Pin]) -> list[str]:
    return [f"{each.name}={each.version}" for each in pins]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The article's cluster, with another keepalived and HAProxy from source."""
    text = Path(ARTICLE).read_text().replace('keepalived: "1.2.13"', 'haproxy: {source: "3.0.11"}')
    place = tmp_path / "cluster.yml"
    place.write_text(text.replace("profile: classic", "profile: standard"))
    return place


def test_the_articles_cluster_needs_its_keepalived_and_its_base() -> None:
    assert named(preview.asked([ARTICLE])) == ["packer=1.6.6", "keepalived=1.2.13", "centos7-cloud=2211"]


def test_what_the_profile_and_the_spec_ask_for_is_needed(spec: Path) -> None:
    expected = ["packer=1.6.6", "keepalived=2.3.4", "haproxy=3.0.11", "centos7-cloud=2211"]
    assert named(preview.asked([str(spec)])) == expected


def test_debian12_needs_no_base(spec: Path) -> None:
    spec.write_text(spec.read_text().replace("guest: centos7", "guest: debian12"))
    assert named(preview.asked([str(spec)])) == ["packer=1.6.6", "keepalived=2.3.3", "haproxy=3.0.11"]


def test_a_spec_that_leaves_its_guest_open_needs_what_a_bake_would_take(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec.write_text(spec.read_text().replace("guest: centos7", "guest: auto"))
    monkeypatch.setattr(RpmGuest, "reachable", lambda *_, **__: True)
    assert "centos7-cloud=2211" in named(preview.asked([str(spec)]))
    monkeypatch.setattr(RpmGuest, "reachable", lambda *_, **__: False)
    assert "centos7-cloud=2211" not in named(preview.asked([str(spec)]))


def test_names_and_specs_may_be_mixed_and_none_comes_twice() -> None:
    pins = preview.asked([ARTICLE, "centos7-minimal=2009", "keepalived=1.2.13"])
    assert named(pins) == ["packer=1.6.6", "keepalived=1.2.13", "centos7-cloud=2211", "centos7-minimal=2009"]


def test_without_a_word_no_base_is_fetched() -> None:
    assert not any(each.is_base for each in preview.asked([]))
    assert {"keepalived=1.2.13", "haproxy=3.0.11"} <= set(named(preview.asked([])))


def test_all_bases_come_where_they_are_asked_for() -> None:
    bases = {
        f"{each.name}={each.version}" for facts in all_guests().values() for each in guest_of(facts).pins.values()
    }
    assert bases <= set(named(preview.asked([], bases=True)))
    assert bases <= set(named(preview.asked([ARTICLE], bases=True)))
    assert "haproxy=3.0.11" not in named(preview.asked([ARTICLE], bases=True))


@pytest.mark.parametrize("word", ["nginx", "keepalived=9"])
def test_a_word_that_is_neither_is_refused(word: str) -> None:
    with pytest.raises(UserError, match=r"there is no source named|is not pinned"):
        preview.asked([word])


def test_a_spec_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(UserError, match="no-such"):
        preview.asked(["no-such.yml"])
