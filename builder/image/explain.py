"""Explain what a bake would do and why: each layer, and every input that differs from the last bake."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import ndiff
from pathlib import Path
from typing import Any, Literal

from builder.core import paths
from builder.image import manifest
from builder.image.manifest import is_whole, read
from builder.image.plan import BakePlan, is_current
from builder.rootfs import layers
from builder.rootfs.layers import Layer

State = Literal["up to date", "to be baked", "in the cache", "to be made"]
APPLIANCE = "appliance"
SINGLE = ("vipforge", "builder", "guest", "payload_sha256")
DIGEST_LENGTH = 64
SHOWN = 12
"""The number of digits of a digest to show."""


@dataclass(frozen=True)
class Change:
    """An input whose value differs. `old` is None for a new input, `new` for one that was removed."""

    input: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class LayerExplanation:
    """A layer, and its differences from that of `compared_with` (empty if there is nothing to compare with)."""

    kind: str
    key: str
    state: State
    compared_with: str
    changes: tuple[Change, ...]


def explain(plan: BakePlan) -> list[LayerExplanation]:
    """Explain the appliance, then every layer below it; builds and fetches nothing."""
    folder = paths.build_folder(plan.cluster.cluster)
    known = read(folder) or {}
    recorded = known.get("inputs", {})
    below = [_layer(each, recorded.get("layers", {}).get(each.kind, {})) for each in plan.foundation.all()]
    return [_appliance(plan, known, folder), *(each for each in below if each)]


def explanation(explained: list[LayerExplanation]) -> str:
    """The explanation as text: one line per layer, and one per input that differs."""
    return "\n".join(line for each in explained for line in _lines(each))


def explanation_json(explained: list[LayerExplanation]) -> str:
    """The explanation as JSON."""
    return json.dumps([asdict(each) for each in explained], indent=2)


def _appliance(plan: BakePlan, known: dict[str, Any], folder: Path) -> LayerExplanation:
    if not known:
        return LayerExplanation(APPLIANCE, "", "to be baked", "", ())
    recorded, is_intact = known.get("inputs", {}), is_whole(known, folder / manifest.IMAGE)
    changes = [*_changes(_own(recorded), _own(plan.inputs)), *_rebuilt(recorded, plan)]
    if not is_intact:
        changes.append(Change(manifest.IMAGE, known.get("sha256"), None))
    current = is_intact and is_current(known, plan)
    compared = f"the image of {known.get('made')}"
    if current:
        return LayerExplanation(APPLIANCE, str(known["key"]), "up to date", compared, ())
    return LayerExplanation(APPLIANCE, "", "to be baked", compared, tuple(changes))


def _own(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The inputs of the appliance itself by readable names, and the key of the layer on which it is based."""
    singles = {name: str(inputs[name]) for name in SINGLE if name in inputs}
    files = {f"file /{name}": digest for name, digest in inputs.get("files_sha256", {}).items()}
    steps = {f"provision {name}": digest for name, digest in inputs.get("provision_sha256", {}).items()}
    start = inputs.get("layers", {}).get("foundation")
    return {**singles, **files, **steps, **({"foundation": start["key"]} if start else {})}


def _rebuilt(recorded: Mapping[str, Any], plan: BakePlan) -> Iterator[Change]:
    """The changed files of layers that were rebuilt with the same key."""
    for kind, files in plan.contents().items():
        if recorded.get("layers", {}).get(kind) == plan.inputs["layers"][kind]:
            before = recorded.get("contents", {}).get(kind, {})
            yield from (Change(f"{kind} {each.input}", each.old, each.new) for each in _changes(before, files))


def _layer(layer: Layer, before: Mapping[str, Any]) -> LayerExplanation | None:
    if layer.is_kept and layers.digests(layer.place):
        return LayerExplanation(layer.kind, layer.key, "in the cache", "", ())
    if not layer.is_kept and before.get("inputs", layer.inputs) == layer.inputs:
        return None
    inputs, compared = before.get("inputs", {}), f"the image's ({before.get('key')})"
    if not inputs:
        inputs, compared = _latest(layer.kind)
    changes = tuple(_changes(inputs, layer.inputs)) if inputs else ()
    return LayerExplanation(layer.kind, layer.key, "to be made", compared, changes)


def _latest(kind: str) -> tuple[dict[str, str], str]:
    """The inputs of the most recently used layer of that kind, and a description of it."""
    notes = sorted(paths.cache("layers", kind).glob(f"*/{layers.DIGESTS}"), key=lambda note: note.stat().st_mtime)
    return (layers.inputs_of(notes[-1].parent), f"the last one used ({notes[-1].parent.name})") if notes else ({}, "")


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before and after and "\n" in before + after:
            yield from _line_by_line(name, before, after)
        else:
            yield Change(name, before, after)


def _line_by_line(name: str, before: str, after: str) -> Iterator[Change]:
    for line in ndiff(before.splitlines(), after.splitlines()):
        if line.startswith("- "):
            yield Change(name, line[2:], None)
        elif line.startswith("+ "):
            yield Change(name, None, line[2:])


def _lines(each: LayerExplanation) -> Iterator[str]:
    compared = f", compared with {each.compared_with}" if each.changes else ""
    yield f"{each.kind}{f' {_short(each.key)}' if each.key else ''}: {each.state}{compared}"
    for change in each.changes:
        yield f"  {change.input}: {_short(change.old)} -> {_short(change.new)}"


def _short(value: str | None) -> str:
    if value is None:
        return "(none)"
    return f"{value[:SHOWN]}…" if len(value) == DIGEST_LENGTH else value
