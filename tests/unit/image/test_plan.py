"""What a bake would put together, whether an image is current, and why it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builder.core import paths
from builder.core.files import sha256
from builder.image import explain, manifest
from builder.image.bake import origin
from builder.image.explain import Change, Explained
from builder.image.foundations import Foundation
from builder.image.plan import BakePlan, PreparedBake, bake_plan, is_current
from builder.rootfs import layers
from tests.specs import quickstart

SPEC = quickstart(guest="debian12")


@pytest.fixture(autouse=True)
def no_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "ROOM_GIB", 0)


def wanted(**changes: Any) -> BakePlan:
    return bake_plan(quickstart(**{"guest": "debian12", **changes}), "qemu", offline=True)


def cache(made: BakePlan, content: str = "disk") -> None:
    """Put every layer of it into the cache."""
    for layer in made.foundation.all():
        layers.layer(layer.kind, layer.inputs, lambda folder: fill(folder, content), refresh=True)


def fill(folder: Path, content: str) -> None:
    (folder / "disk.qcow2").write_text(content)


def record(made: BakePlan) -> dict[str, Any]:
    """The manifest of an image that was made of it, read back; the image lies beside it."""
    folder = paths.build_folder(SPEC.cluster)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / manifest.IMAGE).write_text("image")
    noted = {**made.inputs, "contents": made.contents()}
    bake = PreparedBake(made, Foundation(), "", noted)
    manifest.write(folder, {**origin(bake, {}), "sha256": sha256(folder / manifest.IMAGE)})
    return manifest.read(folder) or {}


def explained(made: BakePlan) -> dict[str, Explained]:
    return {each.kind: each for each in explain.explain(made)}


def test_an_image_of_the_same_inputs_is_current() -> None:
    cache(wanted())
    assert is_current(record(wanted()), wanted())


def test_it_stays_so_when_the_cache_loses_the_layers() -> None:
    cache(wanted())
    known = record(wanted())
    for layer in wanted().foundation.all():
        (layer.place / layers.DIGESTS).unlink()
    assert is_current(known, wanted())


@pytest.mark.parametrize(
    "changes",
    [{"vrrp": {"profile": "fast"}}, {"keepalived": "2.3.4"}, {"image": {"disk_gib": 9}}, {"snmp": True}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_inputs_make_it_stale(changes: dict[str, Any]) -> None:
    cache(wanted())
    assert not is_current(record(wanted()), wanted(**changes))


def test_a_foundation_that_was_made_anew_makes_it_stale() -> None:
    cache(wanted())
    known = record(wanted())
    cache(wanted(), "with today's packages")
    assert not is_current(known, wanted())
    changes = explained(wanted())["appliance"].changes
    assert [change.input for change in changes] == ["foundation disk.qcow2"]


@pytest.mark.parametrize("known", [{}, {"inputs": {}}, {"inputs": {"payload_sha256": "x"}}])
def test_the_manifest_of_another_release_is_not_current(known: dict[str, Any]) -> None:
    assert not is_current(known, wanted())


def test_nothing_is_explained_of_a_current_image() -> None:
    cache(wanted())
    record(wanted())
    found = explained(wanted())
    assert [each.state for each in found.values()] == ["up to date", *["in the cache"] * 3]
    assert [change for each in found.values() for change in each.changes] == []


def test_a_changed_service_is_one_file() -> None:
    cache(wanted())
    record(wanted())
    found = explained(wanted(services=[{**SPEC.model_dump(mode="json")["services"][0], "name": "other"}]))
    names = [change.input for change in found["appliance"].changes]
    assert found["appliance"].state == "to be baked"
    assert "file /etc/haproxy/haproxy.cfg" in names
    assert not any(name.startswith(("foundation", "provision")) for name in names)
    assert found["foundation"].state == "in the cache"


def test_another_keepalived_is_told_at_every_layer_that_follows_from_it() -> None:
    cache(wanted())
    record(wanted())
    found = explained(wanted(keepalived="2.3.4"))
    assert [each.state for each in found.values()] == ["to be baked", "to be made", "in the cache", "to be made"]
    old, new = wanted().foundation, wanted(keepalived="2.3.4").foundation
    assert found["foundation"].changes == (Change("keepalived", old.parts[1].key, new.parts[1].key),)
    assert [change.input for change in found["keepalived"].changes] == ["source"]
    assert found["keepalived"].compared_with == f"the image's ({old.parts[1].key})"


def test_a_package_more_is_told_by_its_line() -> None:
    """Without an image, the layer that was used last is what there is to compare with."""
    cache(wanted())
    found = explained(wanted(snmp=True))
    assert found["appliance"].compared_with == ""
    assert Change("recipe", None, "snmpd") in found["base"].changes
    assert "  recipe: (none) -> snmpd" in explain.explanation(list(found.values())).splitlines()


def test_a_damaged_image_is_to_be_baked() -> None:
    cache(wanted())
    record(wanted())
    (paths.build_folder(SPEC.cluster) / manifest.IMAGE).write_text("other")
    assert explained(wanted())["appliance"].state == "to be baked"
    assert explained(wanted())["appliance"].changes[0].input == manifest.IMAGE


def test_a_guest_whose_foundation_is_the_vendors_names_its_medium() -> None:
    made = bake_plan(quickstart(guest="centos7", vrrp={"profile": "classic"}), "qemu", offline=True)
    assert [layer.kind for layer in made.foundation.used()] == ["keepalived"]
    assert "medium" in made.inputs["layers"]["foundation"]["inputs"]


def test_json_has_every_value() -> None:
    found = json.loads(explain.as_json(explain.explain(wanted())))
    assert [each["kind"] for each in found] == ["appliance", "foundation", "base", "keepalived"]
    assert found[1] == {
        "kind": "foundation",
        "key": wanted().foundation.key,
        "state": "to be made",
        "compared_with": "",
        "changes": [],
    }
