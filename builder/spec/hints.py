"""Turn pydantic's errors into problems for the author of a spec: a sentence, a hint and the nearest known key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from builder.spec.model import Cluster
from builder.spec.problem import ONE_OF, Loc, Problem, closest, key_shown, named, nearest
from builder.spec.syntax import PINNED
from builder.spec.values import model_of
from builder.spec.vrrp import SHORT_FORM

NUMBER = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,9})?) ?(?P<unit>[A-Za-z]*)\Z")
UNIT_OF = {
    "timeout": "seconds",
    "every": "seconds",
    "hsts": "seconds",
    "minutes": "minutes",
    "memory_mib": "MiB",
    "disk_gib": "GiB",
}
"""The unit of the numbers of a key; those of the limits of proofs are seconds as well."""
UNITS: dict[str, dict[str, float]] = {
    "seconds": {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400},
    "minutes": {"m": 1, "min": 1, "h": 60, "d": 1440},
    "MiB": {"m": 1, "mb": 1, "mib": 1, "g": 1024, "gb": 1024, "gib": 1024},
    "GiB": {"g": 1, "gb": 1, "gib": 1},
}
"""What people write after a number, and how many of the key's units it is."""
KEY = "[key]"
"""The last part of pydantic's place for an error in a key, such as a header's name, instead of the value there."""

SENTENCES = MappingProxyType(
    {
        "value_error": "{error}",
        "string_type": "must be text",
        "bool_type": "must be true or false",
        "bool_parsing": "must be true or false",
        "int_type": "must be a whole number",
        "float_type": "must be a number",
        "float_parsing": "must be a number",
        "finite_number": "must be a number",
        "dict_type": "must be a mapping of keys and values",
        "greater_than": "must be more than {gt}",
        "greater_than_equal": "must be {ge} or more",
        "less_than_equal": "must be {le} or less",
        "literal_error": "must be {expected}",
        "too_short": "must have {min_length} or more entries",
        "too_long": "must have at most {max_length} entries",
        "model_type": "must be a mapping of keys and values",
        "tuple_type": "must be a list",
    }
)
"""The end of our sentence for each of pydantic's error types, formatted with the error's context."""


def problem_of(error: ErrorDetails) -> Problem:
    """The problem that one error of a ValidationError stands for."""
    loc: Loc = error["loc"]
    if error["type"] == "missing":
        return Problem(loc, f"{named(loc)} is missing", how_to_add(loc), shows_value=False)
    if error["type"] == "extra_forbidden":
        return _unknown_key(loc)
    if error["input"] is None:
        return Problem(loc, f"{named(loc)} has no value", f"give one, or remove {_removable(loc)}", shows_value=False)
    hint = HINTS.get(error["type"])
    is_key = loc[-1:] == (KEY,)
    place = loc[:-1] if is_key else loc
    return Problem(place, f"{named(place)} {_sentence(error)}", hint(error) if hint else "", shows_value=not is_key)


def _removable(loc: Loc) -> str:
    """What to remove: the key, or the entry of a list."""
    return key_shown(loc[-1]) if loc and isinstance(loc[-1], str) else "it"


def is_consequence(error: ErrorDetails) -> bool:
    """Whether other errors explain this one: pydantic counts only the valid entries of a list."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _sentence(error: ErrorDetails) -> str:
    """What the value must be; the sentence follows the value's name."""
    sentence = SENTENCES.get(error["type"], f"is not valid: {error['type']}")
    return sentence.format(**error.get("ctx", {})).replace("'", "")


def _unknown_key(loc: Loc) -> Problem:
    key, parent = str(loc[-1]), loc[:-1]
    meant, known = place_meant(loc), known_keys(parent)
    if meant is None:
        hint = f"its keys are: {', '.join(known)}"
    else:
        hint = nearest(key, known) if meant[:-1] == parent else f"it belongs in {named(meant[:-1])}"
    return Problem(loc, f"{named(parent)} has no key {key_shown(key)}", hint, shows_value=False)


def place_meant(loc: Loc) -> Loc | None:
    """The place that an unknown key was probably meant for: a similar key, or the only section that has such a key.

    Only a key of the root or of another section can be misplaced: `port` in a check is no port of the statistics.
    """
    key, parent = str(loc[-1]), loc[:-1]
    similar = closest(key, known_keys(parent))
    if similar:
        return (*parent, similar)
    section = section_of(key) if len(parent) <= 1 else ""
    return (section, key) if section else None


def _syntax_hint(error: ErrorDetails) -> str:
    return getattr(error["ctx"]["error"], "hint", "")


def _text_hint(error: ErrorDetails) -> str:
    if not isinstance(error["input"], int | float):
        return ""
    if error["loc"] in {("keepalived",), ("haproxy", "source")}:
        example = PINNED[str(error["loc"][0])][-1]
        return f'YAML reads it as a number; give all three parts, in quotes, such as "{example}"'
    return "YAML reads it as a number or a truth value; put it in quotes"


def _number_hint(error: ErrorDetails) -> str:
    found = NUMBER.match(error["input"]) if isinstance(error["input"], str) else None
    if not found:
        return ""
    unit = "seconds" if error["loc"][:2] == ("proof", "limits") else UNIT_OF.get(str(error["loc"][-1]), "")
    if not found["unit"]:
        return "remove the quotes"
    number = float(found["number"]) * UNITS.get(unit, {}).get(found["unit"].lower(), 0)
    whole = number.is_integer()
    return f"{unit} as a number: {int(number) if whole else number}" if number and (whole or unit == "seconds") else ""


def _choice_hint(error: ErrorDetails) -> str:
    choices = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
    return nearest(str(error["input"]), choices)


def _list_hint(_: ErrorDetails) -> str:
    return "put each entry on its own line after a dash, or all entries in brackets: [one, two]"


def _mapping_hint(error: ErrorDetails) -> str:
    return f"its keys are: {', '.join(known_keys(error['loc']))}"


HINTS: MappingProxyType[str, Callable[[ErrorDetails], str]] = MappingProxyType(
    {
        "value_error": _syntax_hint,
        "string_type": _text_hint,
        "int_type": _number_hint,
        "float_type": _number_hint,
        "literal_error": _choice_hint,
        "tuple_type": _list_hint,
        "model_type": _mapping_hint,
    }
)
"""The function that makes the hint for each of pydantic's error types; other types have no hint."""


def known_keys(loc: Loc) -> Mapping[str, FieldInfo]:
    """The keys of the mapping at a place, or of the entries of a list there; empty if it is neither."""
    fields: Mapping[str, FieldInfo] = Cluster.model_fields
    for part in loc:
        if isinstance(part, str):
            fields = fields_of(model_of(fields[part].annotation))
    return fields


def section_of(key: str) -> str:
    """The section that has a key of this name; empty if there is none or more than one."""
    sections = [name for name in Cluster.model_fields if name not in ONE_OF and key in known_keys((name,))]
    return sections[0] if len(sections) == 1 else ""


def how_to_add(loc: Loc) -> str:
    """How to add a missing key, with the example from its description."""
    key, field = loc[-1], known_keys(loc[:-1])[str(loc[-1])]
    required = [name for name, part in known_keys(loc).items() if part.is_required()]
    if key == "vrrp":
        return f"add {key}: with {', '.join(SHORT_FORM)}"
    if required:
        entries = "a list whose entries have" if key in ONE_OF else "with"
        return f"add {key}: {entries} {', '.join(required)}"
    return f"add a line such as {key}: {_flow(field.examples[0])}" if field.examples else f"add {key}:"


def _flow(example: object) -> str:
    """An example as one line of YAML."""
    return f"[{', '.join(example)}]" if isinstance(example, list) else str(example)


def fields_of(model: type[BaseModel] | None) -> Mapping[str, FieldInfo]:
    """The fields of a model; empty if there is no model."""
    return model.model_fields if model else {}
