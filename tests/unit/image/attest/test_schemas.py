"""The attestations, validated with the schema of CycloneDX and the messages of in-toto and SLSA."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import Parse, ParseError
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from builder.guests import all_guests
from builder.image.attest import PREDICATE, provenance, sbom


def schema_errors(bill: str) -> object:
    return JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill)


@pytest.mark.parametrize("guest", [*all_guests(), "another"])
def test_the_sbom_of_every_guest_is_valid(manifest: dict[str, Any], guest: str) -> None:
    assert schema_errors(sbom({**manifest, "guest": guest})) is None


def test_the_schema_finds_errors(manifest: dict[str, Any]) -> None:
    bill = json.loads(sbom(manifest))
    assert schema_errors(json.dumps(bill | {"components": [{"name": "bash"}]}))


def test_the_provenance_is_an_in_toto_statement(manifest: dict[str, Any]) -> None:
    statement = Parse(provenance(manifest), StatementMessage())
    Statement.copy_from_pb(statement).validate()
    assert statement.predicate_type == PREDICATE
    assert statement.subject[0].digest["sha256"] == manifest["sha256"]


def test_its_predicate_has_all_fields_that_slsa_requires(manifest: dict[str, Any]) -> None:
    message = Parse(json.dumps(json.loads(provenance(manifest))["predicate"]), Provenance())
    assert message.build_definition.build_type
    assert message.build_definition.external_parameters
    assert message.run_details.builder.id
    assert all(each.digest for each in message.build_definition.resolved_dependencies)


def test_the_slsa_message_finds_errors(manifest: dict[str, Any]) -> None:
    predicate = json.loads(provenance(manifest))["predicate"]
    with pytest.raises(ParseError, match="unexpected"):
        Parse(json.dumps(predicate | {"unexpected": 1}), Provenance())
