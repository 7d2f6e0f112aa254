"""The pins are complete and unique, and can be looked up by name and version."""

from __future__ import annotations

import hashlib
import re

import pytest

from builder.core.errors import UserError
from builder.guests import all_guests
from builder.sources import all_pins, pin
from builder.spec.syntax import PINNED


@pytest.mark.parametrize("version", ["1.2.13", "2.2.7", "2.3.3", "2.3.4"])
def test_keepalived_is_pinned(version: str) -> None:
    found = pin("keepalived", version)
    assert found.file == f"keepalived-{version}.tar.gz"
    assert found.size > 300_000


@pytest.mark.parametrize(("product", "versions"), PINNED.items())
def test_messages_about_a_release_name_all_that_are_pinned(product: str, versions: tuple[str, ...]) -> None:
    assert versions == tuple(each.version for each in all_pins() if each.name == product)


@pytest.mark.parametrize("each", all_pins(), ids=lambda each: f"{each.name}-{each.version}")
def test_every_digest_has_the_length_of_its_algorithm(each: object) -> None:
    assert len(each.digest) == hashlib.new(each.algorithm).digest_size * 2
    assert re.fullmatch("[0-9a-f]+", each.digest)
    assert each.urls


CLOUD = [(f"{facts.name}-cloud", version) for facts in all_guests().values() for version in facts.bases]
INSTALLERS = [(f"{facts.name}-minimal", facts.installer) for facts in all_guests().values() if facts.installer]


@pytest.mark.parametrize(("name", "version"), [*CLOUD, *INSTALLERS])
def test_the_vendors_bases_are_pinned(name: str, version: str) -> None:
    assert pin(name, version).algorithm == "sha256"
    assert all(url.endswith(pin(name, version).file) for url in pin(name, version).urls)


def test_digests_are_unique() -> None:
    digests = [each.digest for each in all_pins()]
    assert len(set(digests)) == len(digests)


def test_the_error_for_an_unpinned_version_lists_the_pinned_ones() -> None:
    with pytest.raises(UserError, match=r"keepalived 2\.0\.0 is not pinned") as caught:
        pin("keepalived", "2.0.0")
    assert "1.2.13" in caught.value.hint


def test_the_debian_mirror_is_filled_in() -> None:
    addresses = pin("keepalived", "2.3.3").addresses("http://mirror.example/debian")
    assert addresses[0] == "http://mirror.example/debian/pool/main/k/keepalived/keepalived_2.3.3.orig.tar.gz"
    assert len(addresses) == 2


def test_without_a_debian_mirror_its_addresses_are_left_out() -> None:
    assert all("debian" not in address for address in pin("keepalived", "2.3.3").addresses(None))
    assert len(pin("keepalived", "2.3.3").addresses(None)) == 1
