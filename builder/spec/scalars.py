"""What an unquoted word of YAML means: a number, a truth value, nothing, or text.

YAML 1.1 and 1.2 read some words differently (`no`, `010`, `1:30`): such a word is refused, because the
reader cannot know which was meant, and editors and other programs would read the file in another way.
"""

from __future__ import annotations

import re

from builder.spec.syntax import Unfit

PREFIX = "tag:yaml.org,2002:"
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}\Z")
PLAIN = frozenset({"str", "null", "bool", "int", "float", "timestamp", "value", "merge", "map", "seq"})
"""What PyYAML's resolver finds for values without a tag (yaml.org/type); dates, = and << are text here."""
TRUTH = {"true": True, "false": False}


def meaning(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar with that resolved tag; raises Unfit for a word that is read in two ways."""
    kind = tag.removeprefix(PREFIX)
    if kind == "null":
        return None
    if kind == "bool" and text in TRUTH:
        return TRUTH[text]
    if kind == "int" and WHOLE.match(text):
        return int(text)
    if kind == "float" and DECIMAL.match(text):
        return float(text)
    if kind in {"bool", "int", "float"}:
        raise _two_ways(kind, text)
    refuse_tag(tag)
    return text


def refuse_tag(tag: str) -> None:
    """Raise Unfit for a tag that no plain value has."""
    kind = tag.removeprefix(PREFIX)
    if kind not in PLAIN:
        raise Unfit(f"has the tag {kind}, and tags are not taken", "write the plain value, in quotes where it is text")


def _two_ways(kind: str, text: str) -> Unfit:
    if kind == "bool":
        return Unfit(
            "is a word that some programs read as true or false, and others as text",
            f'for text, put it in quotes: "{text}"',
        )
    return Unfit(
        "is a number in a form that not every program reads alike",
        f'write it in plain digits without leading zeros, or for text in quotes: "{text}"',
    )
