"""The JSON Schema of the spec, for editors: they complete keys from it and show each key's meaning."""

from __future__ import annotations

import json

from pydantic.json_schema import GenerateJsonSchema

from builder.spec.model import Cluster

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Untitled(GenerateJsonSchema):
    """pydantic's generator, without a title that says each key again."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        """No."""
        return False


def schema() -> str:
    """The schema as JSON text, made from the model; its descriptions are those of the model's fields."""
    described = Cluster.model_json_schema(schema_generator=Untitled)
    return json.dumps({"$schema": DIALECT, **described, "title": "A cluster of vipforge"}, indent=2) + "\n"
