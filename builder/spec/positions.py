"""YAML with positions: the data of a spec, where each value stands, and what YAML it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from builder.core.errors import LocatedProblem
from builder.spec.compose import ALIAS, compose
from builder.spec.problem import Loc, Problem, named
from builder.spec.syntax import Unfit

LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Mark:
    """Where a key or a value begins, counted from 1, and its text for people."""

    line: int
    column: int
    text: str = ""


@dataclass
class Document:
    """The data of one YAML file, with the places of its keys and values and the faults of its form."""

    file: str
    data: object = None
    keys: dict[Loc, yaml.Node] = field(default_factory=dict)
    values: dict[Loc, yaml.Node] = field(default_factory=dict)
    problems: list[LocatedProblem] = field(default_factory=list)
    refused: set[Loc] = field(default_factory=set)
    """Places whose value was refused for its form; what else is wrong there follows from that."""

    def problem(self, fault: Problem) -> LocatedProblem:
        """The fault, with its line and column: of the value, or of the nearest mapping or key around it."""
        node = self.values.get(fault.loc)
        if node is not None and fault.shows_value:
            value = _mark(node)
            return LocatedProblem(self.file, value.line, value.column, fault.reason, value.text, fault.hint)
        near = self._nearest(fault.loc)
        return LocatedProblem(self.file, near.line, near.column, fault.reason, "", fault.hint)

    def _nearest(self, loc: Loc) -> Mark:
        for length in range(len(loc), -1, -1):
            node = self.keys.get(loc[:length]) or self.values.get(loc[:length])
            if node is not None:
                return _mark(node)
        return Mark(1, 1)


def read_yaml(text: str, file: str) -> Document:
    """The document that a YAML text holds. Raises SpecError where the text is not YAML or is empty.

    Faults that leave the rest readable (a key given twice, an alias) are in the document's `problems`.
    """
    document = Document(file)
    document.data = _value(document, compose(text, file), ())
    return document


def _value(document: Document, node: yaml.Node, loc: Loc) -> object:
    document.values[loc] = node
    try:
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        refuse_tag(node.tag)
    except Unfit as unfit:
        document.refused.add(loc)
        document.problems.append(document.problem(Problem(loc, f"{named(loc)} {unfit}", unfit.hint)))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, loc)
    return [_value(document, item, (*loc, index)) for index, item in enumerate(node.value)]


def _mapping(document: Document, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = _key(document, key_node, loc)
        if key is None:
            continue
        if key in found:
            _repeated(document, _mark(key_node), (*loc, key))
        else:
            document.keys[(*loc, key)] = key_node
            found[key] = _value(document, value_node, (*loc, key))
    return found


def _key(document: Document, node: yaml.Node, loc: Loc) -> str | None:
    """The text of a key; None, with a problem noted, where it is none."""
    try:
        return _word(node)
    except Unfit as unfit:
        mark = _mark(node)
        reason = f"a key of {named(loc)} {unfit}"
        document.problems.append(LocatedProblem(document.file, mark.line, mark.column, reason, mark.text, unfit.hint))
        return None


def _word(node: yaml.Node) -> str:
    word = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(word, str):
        raise Unfit("must be a word", "docs/spec.md lists the keys")
    return word


def _repeated(document: Document, mark: Mark, loc: Loc) -> None:
    reason = f"the key {mark.text} is given twice in {named(loc[:-1])}"
    hint = f"line {_mark(document.keys[loc]).line} has it too; keep one"
    document.problems.append(LocatedProblem(document.file, mark.line, mark.column, reason, hint=hint))


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    if node.tag == ALIAS:
        raise Unfit("is an alias, and a spec takes none", "write the value out")
    value = meaning(node.tag, node.value)
    if isinstance(value, str) and not value.rstrip("\n").isprintable():
        raise Unfit("has a control character or a line break inside", "keep it to one line of printable characters")
    return value


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1, _shown(node))


def _shown(node: yaml.Node) -> str:
    """The value as a person wrote it, short, printable, and without a private key."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return f"a list of {len(node.value)}"
    text = str(node.value)
    if "PRIVATE KEY" in text:
        return "a private key"
    short = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    plain = re.sub(r"[^ -~…]", lambda found: found[0] if found[0].isprintable() else repr(found[0])[1:-1], short)
    quoted = isinstance(node, yaml.ScalarNode) and node.style in {'"', "'"}
    return f'"{plain}"' if quoted else plain or "nothing"


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
