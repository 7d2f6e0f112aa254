"""The JSON schema: the copy next to the examples is up to date, and every key has a description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from builder.spec.report import schema
from builder.spec.starter import STARTER

ROOT = Path(__file__).resolve().parents[3]
SUBSCHEMAS = ("additionalProperties", "items", "propertyNames")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
MAPS = ("properties", "$defs")
ANNOTATIONS = {"$schema", "$ref", "title", "description", "examples", "default", "type", "format", "enum", "const"}
LIMITS = {
    "object": {"required", "properties", "additionalProperties", "propertyNames", "minProperties", "maxProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "string": {"minLength", "maxLength", "pattern", "format"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
LIMITS["number"] = LIMITS["integer"]
FORMATS = {"date-time", "date", "time", "email", "hostname", "ipv4", "ipv6", "uri", "uuid", "regex"}
"""JSON Schema 2020-12, validation, section 7.3; the formats that addresses and texts of a spec can have."""


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


def test_the_schema_obeys_the_metaschema() -> None:
    Draft202012Validator.check_schema(json.loads(schema()))


@pytest.mark.parametrize("path", [*sorted((ROOT / "examples").glob("*.yml")), STARTER], ids=lambda path: path.name)
def test_what_check_accepts_an_editor_accepts(path: Path) -> None:
    """Editors validate a spec with the schema: yaml-language-server in ajv's way, here jsonschema, with formats."""
    validator = Draft202012Validator(json.loads(schema()), format_checker=FormatChecker())
    spec = yaml.safe_load(path.read_text())
    assert [error.message for error in validator.iter_errors(spec)] == []
    wrong = {**spec, "nodes": [{**spec["nodes"][0], "address": "10.0.0.256"}]}
    assert list(validator.iter_errors(wrong))


def test_every_example_names_the_schema_for_editors() -> None:
    first_lines = [path.read_text().split("\n")[0] for path in (ROOT / "examples").glob("*.yml")]
    assert set(first_lines) == {"# yaml-language-server: $schema=cluster.schema.json"}


def strict_errors(schema: Any, path: str = "#", inherited: str = "") -> Iterator[str]:
    """What ajv's strict mode refuses: keywords and formats that it does not know, limits without the type that they
    limit (strictTypes), and required properties that the same schema does not list (strictRequired).
    """
    if isinstance(schema, bool):
        return
    own = schema.get("type", inherited)
    if not isinstance(own, str):
        yield f"{path}: several types"
        return
    known = ANNOTATIONS.union(LISTS, MAPS, *LIMITS.values())
    yield from (f"{path}: unknown keyword {word}" for word in sorted(schema.keys() - known))
    limits = [word for words in LIMITS.values() for word in words if word in schema]
    yield from (f"{path}: {word} without its type" for word in limits if word not in LIMITS.get(own, ()))
    if schema.get("format", "ipv4") not in FORMATS:
        yield f"{path}: unknown format {schema['format']}"
    missing = set(schema.get("required", ())) - schema.get("properties", {}).keys()
    yield from (f"{path}: required property {name} is not defined" for name in sorted(missing))
    inner = [(f"{path}/{word}", schema[word], "") for word in SUBSCHEMAS if word in schema]
    inner += [(f"{path}/{word}", each, own) for word in LISTS for each in schema.get(word, ())]
    inner += [(f"{path}/{word}/{name}", each, "") for word in MAPS for name, each in schema.get(word, {}).items()]
    for place, each, parents in inner:
        yield from strict_errors(each, place, parents)


def test_the_schema_passes_strict_mode() -> None:
    assert list(strict_errors(json.loads(schema()))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "string", "format": "path"},
        {"type": "object", "oneOf": [{"required": ["vips"]}], "properties": {"vips": True}},
        {"properties": {"vips": {"items": {"type": "string"}}}, "type": "object"},
        {"type": ["string", "integer"]},
        {"type": "string", "docs": "spec.md"},
    ],
)
def test_strict_mode_finds(wrong: dict[str, Any]) -> None:
    assert list(strict_errors(wrong))
