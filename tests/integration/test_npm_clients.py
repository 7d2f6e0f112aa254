"""The JSON Schema and the report, judged by the programs from the npm registry that others judge them with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from builder.faults.model import ScenarioResult
from builder.faults.report import write_report
from tests import proofs
from tests.clients import complaints

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
SCHEMA = json.loads((EXAMPLES / "cluster.schema.json").read_text())
STARTER = EXAMPLES.parent / "builder" / "spec" / "starter.yml"


def test_ajv_compiles_the_schema_in_strict_mode_and_accepts_every_example() -> None:
    specs = [yaml.safe_load(path.read_text()) for path in (*sorted(EXAMPLES.glob("*.yml")), STARTER)]
    assert len(specs) > 10
    assert complaints({"schema": SCHEMA, "documents": specs}) == [[]]


def test_ajv_refuses_a_wrong_spec_and_a_loose_schema() -> None:
    spec = yaml.safe_load((EXAMPLES / "quickstart.yml").read_text())
    loose = {"properties": {"path": {"type": "string", "format": "path"}}}
    wrong, unknown_format = complaints(
        {"schema": SCHEMA, "documents": [{**spec, "cluster": 1}]}, {"schema": loose, "documents": []}
    )
    assert wrong == ["data/cluster must be string"]
    assert "strict mode" in unknown_format[0] or "unknown format" in unknown_format[0]


def test_an_editor_shows_no_complaint_about_an_example_and_the_line_of_a_mistake() -> None:
    files = {path.as_uri(): path.read_text() for path in sorted(EXAMPLES.glob("*.yml"))}
    quickstart = EXAMPLES / "quickstart.yml"
    wrong = quickstart.read_text().replace("priority: 254", "priority: 255", 1)
    line = next(number for number, each in enumerate(wrong.splitlines(), 1) if "priority: 255" in each)
    (found,) = complaints({"files": {**files, f"{quickstart.as_uri()}#wrong.yml": wrong}})
    mistakes = found.pop(f"{quickstart.as_uri()}#wrong.yml")
    assert [complaint for complaints in found.values() for complaint in complaints] == []
    assert [each.partition(":")[0] for each in mistakes] == [f"line {line}"]


@pytest.mark.parametrize("results", [(), (proofs.endless(),), (proofs.killed(),)], ids=["all", "endless", "killed"])
def test_html_validate_accepts_the_report(results: tuple[ScenarioResult, ...], tmp_path: Path) -> None:
    write_report(proofs.proof(*results), tmp_path)
    page = (tmp_path / "report.html").read_text()
    accepted, refused = complaints({"html": page}, {"html": page.replace("<table", '<table role="table"', 1)})
    assert accepted == []
    assert any("no-redundant-role" in complaint for complaint in refused)
