"""The plan of a bake, whether an image is current, and the explanation if it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builder.core import paths
from builder.core.files import sha256
from builder.image import explain, manifest
from builder.image.bake import bake_record
from builder.image.explain import Change, LayerExplanation
from builder.image.foundations import Foundation
from builder.image.plan import BakePlan, PreparedBake, bake_plan, is_current
from builder.rootfs import layers
from tests.specs import quickstart

SPEC = quickstart(guest="debian12")


@pytest.fixture(autouse=True)
def no_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "ROOM_GIB", 0)


def plan_with(**changes: Any) -> BakePlan:
    return bake_plan(quickstart(**{"guest": "debian12", **changes}), "qemu", offline=True)


def cache(plan: BakePlan, content: str = "disk") -> None:
    """Put every layer of the plan into the cache."""
    for layer in plan.foundation.all():
        layers.layer(layer.kind, layer.inputs, lambda folder: fill(folder, content), refresh=True)


def fill(folder: Path, content: str) -> None:
    (folder / "disk.qcow2").write_text(content)


def record(plan: BakePlan) -> dict[str, Any]:
    """Write an image that was baked from the plan, and its manifest; returns the manifest."""
    folder = paths.build_folder(SPEC.cluster)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / manifest.IMAGE).write_text("image")
    inputs = {**plan.inputs, "contents": plan.contents()}
    bake = PreparedBake(plan, Foundation(), "", inputs)
    manifest.write(folder, {**bake_record(bake, {}), "sha256": sha256(folder / manifest.IMAGE)})
    return manifest.read(folder) or {}


def explained(plan: BakePlan) -> dict[str, LayerExplanation]:
    return {each.kind: each for each in explain.explain(plan)}


def test_an_image_of_the_same_inputs_is_current() -> None:
    cache(plan_with())
    assert is_current(record(plan_with()), plan_with())


def test_it_stays_current_when_the_layers_are_pruned() -> None:
    cache(plan_with())
    known = record(plan_with())
    for layer in plan_with().foundation.all():
        (layer.place / layers.DIGESTS).unlink()
    assert is_current(known, plan_with())


@pytest.mark.parametrize(
    "changes",
    [{"vrrp": {"profile": "fast"}}, {"keepalived": "2.3.4"}, {"image": {"disk_gib": 9}}, {"snmp": True}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_inputs_make_it_stale(changes: dict[str, Any]) -> None:
    cache(plan_with())
    assert not is_current(record(plan_with()), plan_with(**changes))


def test_a_rebuilt_foundation_makes_it_stale() -> None:
    cache(plan_with())
    known = record(plan_with())
    cache(plan_with(), "with today's packages")
    assert not is_current(known, plan_with())
    changes = explained(plan_with())["appliance"].changes
    assert [change.input for change in changes] == ["foundation disk.qcow2"]


@pytest.mark.parametrize("known", [{}, {"inputs": {}}, {"inputs": {"payload_sha256": "x"}}])
def test_the_manifest_of_another_release_is_not_current(known: dict[str, Any]) -> None:
    assert not is_current(known, plan_with())


def test_a_current_image_has_no_changes() -> None:
    cache(plan_with())
    record(plan_with())
    found = explained(plan_with())
    assert [each.state for each in found.values()] == ["up to date", *["in the cache"] * 3]
    assert [change for each in found.values() for change in each.changes] == []


def test_a_changed_service_changes_only_files() -> None:
    cache(plan_with())
    record(plan_with())
    found = explained(plan_with(services=[{**SPEC.model_dump(mode="json")["services"][0], "name": "other"}]))
    names = [change.input for change in found["appliance"].changes]
    assert found["appliance"].state == "to be baked"
    assert "file /etc/haproxy/haproxy.cfg" in names
    assert not any(name.startswith(("foundation", "provision")) for name in names)
    assert found["foundation"].state == "in the cache"


def test_another_keepalived_is_reported_at_every_layer_that_depends_on_it() -> None:
    cache(plan_with())
    record(plan_with())
    found = explained(plan_with(keepalived="2.3.4"))
    assert [each.state for each in found.values()] == ["to be baked", "to be made", "in the cache", "to be made"]
    old, new = plan_with().foundation, plan_with(keepalived="2.3.4").foundation
    assert found["foundation"].changes == (Change("keepalived", old.parts[1].key, new.parts[1].key),)
    assert [change.input for change in found["keepalived"].changes] == ["source"]
    assert found["keepalived"].compared_with == f"the image's ({old.parts[1].key})"


def test_an_added_package_is_reported_as_one_line() -> None:
    """Without an image, the plan is compared with the most recently used layer."""
    cache(plan_with())
    found = explained(plan_with(snmp=True))
    assert found["appliance"].compared_with == ""
    assert Change("recipe", None, "snmpd") in found["base"].changes
    assert "  recipe: (none) -> snmpd" in explain.explanation(list(found.values())).splitlines()


def test_a_damaged_image_is_baked_again() -> None:
    cache(plan_with())
    record(plan_with())
    (paths.build_folder(SPEC.cluster) / manifest.IMAGE).write_text("other")
    assert explained(plan_with())["appliance"].state == "to be baked"
    assert explained(plan_with())["appliance"].changes[0].input == manifest.IMAGE


def test_a_foundation_from_the_vendors_disk_has_its_medium_as_an_input() -> None:
    plan = bake_plan(quickstart(guest="centos7", vrrp={"profile": "classic"}), "qemu", offline=True)
    assert [layer.kind for layer in plan.foundation.used()] == ["keepalived"]
    assert "medium" in plan.inputs["layers"]["foundation"]["inputs"]


def test_json_has_every_value() -> None:
    found = json.loads(explain.explanation_json(explain.explain(plan_with())))
    assert [each["kind"] for each in found] == ["appliance", "foundation", "base", "keepalived"]
    assert found[1] == {
        "kind": "foundation",
        "key": plan_with().foundation.key,
        "state": "to be made",
        "compared_with": "",
        "changes": [],
    }
