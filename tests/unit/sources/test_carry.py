"""Listing and fetching many sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import Exit, UserError
from builder.sources import Pin, carry, every
from tests.unit.sources.conftest import CONTENT, Server

PinAt = Callable[..., Pin]


def test_the_list_has_every_pin_and_its_digest() -> None:
    rows = carry.listing()
    assert [row["version"] for row in rows] == [each.version for each in every()]
    assert {"name", "version", "file", "size", "algorithm", "digest", "cached"} == set(rows[0])
    assert not any(row["cached"] for row in rows)


def test_the_list_says_what_is_cached(server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = pin_at(server.url)
    monkeypatch.setattr(carry, "every", lambda: (pin,))
    assert carry.source_table().endswith("not cached")
    carry.fetch_all([pin], offline=False, debian=None)
    assert carry.source_table().endswith("…  cached")


def test_every_pin_is_a_base_or_small() -> None:
    small, bases = carry.of_kind(bases=False), carry.of_kind(bases=True)
    assert sorted((*small, *bases), key=str) == sorted(every(), key=str)
    assert {each.name for each in bases} == {"alma9-cloud", "centos7-cloud", "centos7-minimal", "rocky9-cloud"}
    assert all(each.size < 20_000_000 for each in small)


def test_a_name_means_all_its_versions_and_a_version_only_itself() -> None:
    assert len(carry.chosen(["keepalived"])) == 4
    assert [each.version for each in carry.chosen(["keepalived=2.2.7", "keepalived=1.2.13"])] == ["2.2.7", "1.2.13"]
    assert len(carry.chosen(["keepalived=2.2.7", "keepalived"])) == 4


@pytest.mark.parametrize("word", ["nginx", "keepalived=9", ""])
def test_an_unknown_source_is_refused_with_the_known_ones(word: str) -> None:
    with pytest.raises(UserError, match=r"no source is named|is not pinned") as caught:
        carry.chosen([word])
    assert caught.value.hint


def test_files_are_copied_to_a_folder_that_can_be_carried(server: Server, pin_at: PinAt, tmp_path: Path) -> None:
    (copy,) = carry.fetch_all([pin_at(server.url)], offline=False, debian=None, to=tmp_path / "a" / "b")
    assert copy == tmp_path / "a" / "b" / "thing-1.tar.gz"
    assert copy.read_bytes() == CONTENT
    assert [path.name for path in copy.parent.iterdir()] == ["thing-1.tar.gz"]


def test_one_that_fails_does_not_stop_the_others_and_is_told_at_the_end(server: Server, pin_at: PinAt) -> None:
    good = pin_at(server.url)
    bad = replace(pin_at(server.url), file="other.tar.gz", digest="0" * 64)
    worse = replace(bad, file="third.tar.gz", urls=("http://127.0.0.1:1",), digest="1" * 64)
    with pytest.raises(UserError, match=r"^2 of 3 sources could not be had") as caught:
        carry.fetch_all([bad, good, worse], offline=False, debian=None)
    assert "other.tar.gz" in caught.value.message
    assert "third.tar.gz" in caught.value.message
    assert caught.value.hint.startswith("put these files into a folder and name that folder in VIPFORGE_MIRROR")
    assert caught.value.exit_code == Exit.FAILED
    assert carry.fetch_all([good], offline=True, debian=None)[0].read_bytes() == CONTENT


def test_how_much_it_is_comes_before_it_is_fetched(
    server: Server, pin_at: PinAt, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = [pin_at(server.url), replace(pin_at(server.url), name="other", size=None, digest="0" * 64)]
    with pytest.raises(UserError):
        carry.fetch_all(pins, offline=False, debian=None)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == (
        "0 of 2 sources in the cache; to fetch, 0.3 MB and what is not told: thing 1 (0.3 MB), other 1 (size not told)"
    )
    carry.fetch_all(pins[:1], offline=False, debian=None)
    assert capsys.readouterr().err.splitlines()[0] == "1 of 1 sources in the cache"
