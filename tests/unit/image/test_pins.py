"""The pinned files that specs and words select."""

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
    """The article's cluster with the default keepalived and a compiled HAProxy."""
    text = Path(ARTICLE).read_text().replace('keepalived: "1.2.13"', 'haproxy: {source: "3.0.11"}')
    place = tmp_path / "cluster.yml"
    place.write_text(text.replace("profile: classic", "profile: standard"))
    return place


def test_the_articles_cluster_needs_keepalived_and_its_base() -> None:
    assert named(preview.select_pins([ARTICLE])) == ["packer=1.6.6", "keepalived=1.2.13", "centos7-cloud=2211"]


def test_a_spec_needs_what_its_profile_and_its_keys_ask_for(spec: Path) -> None:
    expected = ["packer=1.6.6", "keepalived=2.3.4", "haproxy=3.0.11", "centos7-cloud=2211"]
    assert named(preview.select_pins([str(spec)])) == expected


def test_debian12_needs_no_base(spec: Path) -> None:
    spec.write_text(spec.read_text().replace("guest: centos7", "guest: debian12"))
    assert named(preview.select_pins([str(spec)])) == ["packer=1.6.6", "keepalived=2.3.3", "haproxy=3.0.11"]


def test_a_spec_with_guest_auto_needs_what_a_bake_would_use(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec.write_text(spec.read_text().replace("guest: centos7", "guest: auto"))
    monkeypatch.setattr(RpmGuest, "reachable", lambda *_, **__: True)
    assert "centos7-cloud=2211" in named(preview.select_pins([str(spec)]))
    monkeypatch.setattr(RpmGuest, "reachable", lambda *_, **__: False)
    assert "centos7-cloud=2211" not in named(preview.select_pins([str(spec)]))


def test_names_and_specs_may_be_mixed_without_duplicates() -> None:
    pins = preview.select_pins([ARTICLE, "centos7-minimal=2009", "keepalived=1.2.13"])
    assert named(pins) == ["packer=1.6.6", "keepalived=1.2.13", "centos7-cloud=2211", "centos7-minimal=2009"]


def test_without_words_no_base_is_selected() -> None:
    assert not any(each.is_base for each in preview.select_pins([]))
    assert {"keepalived=1.2.13", "haproxy=3.0.11"} <= set(named(preview.select_pins([])))


def test_all_bases_are_selected_on_request() -> None:
    bases = {
        f"{each.name}={each.version}" for facts in all_guests().values() for each in guest_of(facts).pins.values()
    }
    assert bases <= set(named(preview.select_pins([], bases=True)))
    assert bases <= set(named(preview.select_pins([ARTICLE], bases=True)))
    assert "haproxy=3.0.11" not in named(preview.select_pins([ARTICLE], bases=True))


@pytest.mark.parametrize("word", ["nginx", "keepalived=9"])
def test_an_unknown_word_is_refused(word: str) -> None:
    with pytest.raises(UserError, match=r"unknown source|is not pinned"):
        preview.select_pins([word])


def test_a_missing_spec_is_an_error() -> None:
    with pytest.raises(UserError, match="no-such"):
        preview.select_pins(["no-such.yml"])
