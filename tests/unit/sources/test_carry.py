"""Listing and fetching many sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from builder.core.errors import Exit, UserError
from builder.sources import Pin, all_pins, carry
from tests.unit.sources.conftest import CONTENT, Server

PinAt = Callable[..., Pin]


def test_the_list_has_every_pin_and_its_digest() -> None:
    rows = carry.listing()
    assert [row["version"] for row in rows] == [each.version for each in all_pins()]
    assert {"name", "version", "file", "size", "algorithm", "digest", "cached"} == set(rows[0])
    assert not any(row["cached"] for row in rows)


def test_the_list_says_what_is_cached(server: Server, pin_at: PinAt, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = pin_at(server.url)
    monkeypatch.setattr(carry, "all_pins", lambda: (pin,))
    assert carry.source_table().endswith("not cached")
    carry.fetch_all([pin], offline=False, debian=None)
    assert carry.source_table().endswith("…  cached")


def test_every_pin_is_a_base_or_small() -> None:
    small, bases = carry.pins_by_kind(bases=False), carry.pins_by_kind(bases=True)
    assert sorted((*small, *bases), key=str) == sorted(all_pins(), key=str)
    assert {each.name for each in bases} == {"alma9-cloud", "centos7-cloud", "centos7-minimal", "rocky9-cloud"}
    assert all(each.size < 20_000_000 for each in small)


def test_a_name_stands_for_all_its_versions() -> None:
    assert len(carry.pins_named(["keepalived"])) == 4
    assert [each.version for each in carry.pins_named(["keepalived=2.2.7", "keepalived=1.2.13"])] == [
        "2.2.7",
        "1.2.13",
    ]
    assert len(carry.pins_named(["keepalived=2.2.7", "keepalived"])) == 4


@pytest.mark.parametrize("word", ["nginx", "keepalived=9", ""])
def test_the_error_for_an_unknown_source_lists_the_known_ones(word: str) -> None:
    with pytest.raises(UserError, match=r"unknown source|is not pinned") as caught:
        carry.pins_named([word])
    assert caught.value.hint


def test_files_are_copied_to_the_folder(server: Server, pin_at: PinAt, tmp_path: Path) -> None:
    (copy,) = carry.fetch_all([pin_at(server.url)], offline=False, debian=None, to=tmp_path / "a" / "b")
    assert copy == tmp_path / "a" / "b" / "thing-1.tar.gz"
    assert copy.read_bytes() == CONTENT
    assert [path.name for path in copy.parent.iterdir()] == ["thing-1.tar.gz"]


def test_a_file_that_fails_does_not_stop_the_others_and_is_reported_at_the_end(server: Server, pin_at: PinAt) -> None:
    good = pin_at(server.url)
    bad = replace(pin_at(server.url), file="other.tar.gz", digest="0" * 64)
    worse = replace(bad, file="third.tar.gz", urls=("http://127.0.0.1:1",), digest="1" * 64)
    with pytest.raises(UserError, match=r"^2 of 3 sources are unavailable") as caught:
        carry.fetch_all([bad, good, worse], offline=False, debian=None)
    assert "other.tar.gz" in caught.value.message
    assert "third.tar.gz" in caught.value.message
    assert caught.value.hint.startswith("put these files into a folder and set VIPFORGE_MIRROR to that folder")
    assert caught.value.exit_code == Exit.FAILED
    assert carry.fetch_all([good], offline=True, debian=None)[0].read_bytes() == CONTENT


def test_the_size_is_announced_before_anything_is_fetched(
    server: Server, pin_at: PinAt, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = [pin_at(server.url), replace(pin_at(server.url), name="other", size=None, digest="0" * 64)]
    with pytest.raises(UserError):
        carry.fetch_all(pins, offline=False, debian=None)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == (
        "0 of 2 sources are cached; 0.3 MB plus files of unknown size to fetch: "
        "thing 1 (0.3 MB), other 1 (size unknown)"
    )
    carry.fetch_all(pins[:1], offline=False, debian=None)
    assert capsys.readouterr().err.splitlines()[0] == "1 of 1 sources are cached"
