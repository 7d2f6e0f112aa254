"""The JSON schema: the copy next to the examples is up to date, and every key has a description."""

from __future__ import annotations

import json
from pathlib import Path

from builder.spec.report import schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_schema_of_the_examples_is_up_to_date() -> None:
    kept = (ROOT / "examples" / "cluster.schema.json").read_text()
    assert kept == schema(), "update it: vipforge schema > examples/cluster.schema.json"


def test_every_key_or_its_mapping_has_a_description() -> None:
    described = json.loads(schema())
    models = [described, *described["$defs"].values()]
    assert all(model["description"] for model in models)
    keys = {name: key for model in models for name, key in model["properties"].items()}
    assert [name for name, key in keys.items() if not key.get("description") and "$ref" not in key] == []


def test_no_mapping_allows_an_unknown_key() -> None:
    described = json.loads(schema())
    assert all(model["additionalProperties"] is False for model in (described, *described["$defs"].values()))


def test_every_example_names_the_schema_for_editors() -> None:
    first_lines = [path.read_text().split("\n")[0] for path in (ROOT / "examples").glob("*.yml")]
    assert set(first_lines) == {"# yaml-language-server: $schema=cluster.schema.json"}
