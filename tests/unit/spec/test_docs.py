"""The pages about the spec say what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from builder.core.errors import Exit
from builder.spec import hints, keepalived_features
from builder.spec.problem import ONE_OF, Loc
from builder.spec.vrrp import PROFILES, Profile

DOCS = Path(__file__).resolve().parents[3] / "docs"


def fields(loc: Loc = ()) -> Iterator[tuple[Loc, FieldInfo]]:
    """Every key of the spec, by its place."""
    for name, field in hints.known_keys(loc).items():
        yield (*loc, name), field
        if "routes" not in loc:  # the keys that routes share with services are described there
            yield from fields((*loc, name))


def dotted(loc: Loc) -> str:
    """The key in the notation of the reference: `nodes[].name`."""
    lists = {part for part in loc[:-1] if part in ONE_OF}
    return ".".join(f"{part}[]" if part in lists else str(part) for part in loc)


def rows(page: str) -> Mapping[str, list[str]]:
    """The rows of all tables of a page, by their first cell."""
    lines = re.findall(r"^\| (.*) \|$", (DOCS / page).read_text(), re.MULTILINE)
    return {cells[0]: cells[1:] for cells in (line.split(" | ") for line in lines)}


def written(field: FieldInfo) -> str:
    """The default in the notation of the reference."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, BaseModel):
        return "its defaults"
    return f"`{in_yaml(field.default)}`"


def in_yaml(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"[{', '.join(default)}]" if isinstance(default, tuple) else str(default)


def reference() -> Mapping[str, list[str]]:
    """The rows of the two pages that share the spec's reference."""
    return {**rows("spec.md"), **rows("services.md")}


FIELDS = {dotted(loc): field for loc, field in fields()}


@pytest.mark.parametrize(("key", "field"), FIELDS.items(), ids=FIELDS.keys())
def test_the_reference_lists_every_key_with_its_default(key: str, field: FieldInfo) -> None:
    type_words, default, meaning, *_ = reference()[f"`{key}`"]
    assert default == written(field)
    assert type_words
    assert meaning.endswith(".")


def test_the_reference_lists_no_unknown_key() -> None:
    named = {cell.strip("`") for cell in reference() if cell.startswith("`")}
    assert named == set(FIELDS)


def test_the_example_in_the_reference_is_valid(problems) -> None:
    example, *_ = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "spec.md").read_text(), re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(example)["cluster"] == "quickstart"
    assert problems(example) == ()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_page_about_profiles_has_their_numbers(profile: Profile) -> None:
    table = rows("profiles.md")
    column = list(PROFILES).index(profile.name)
    assert table["VRRP version"][column] == str(profile.vrrp_version)
    every = {1: "every 1 s", 0.1: "every 100 ms"}[profile.advert]
    assert table["advertisements"][column] == every
    oldest = f"{keepalived_features.oldest(profile)} or later" if keepalived_features.needs(profile) else "any release"
    assert table["needs keepalived"][column] == oldest


def test_every_exit_code_is_documented() -> None:
    assert {code for code in rows("exit-codes.md") if code.isdigit()} == {str(code.value) for code in Exit}
