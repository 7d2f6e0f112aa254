"""Read a spec's YAML into data with the position of each value, and reject YAML that programs read differently."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from builder.core.errors import LocatedProblem, printable, without_credentials
from builder.spec.compose import ALIAS, compose
from builder.spec.problem import Loc, Problem, named
from builder.spec.syntax import InvalidValue

MAX_SHOWN = 60
"""Characters of a value that a message shows."""
PREFIX = "tag:yaml.org,2002:"
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}\Z")
PLAIN = frozenset({"str", "null", "bool", "int", "float", "timestamp", "value", "merge", "map", "seq"})
"""The tags that PyYAML gives values without an explicit tag (yaml.org/type); dates, = and << are text in a spec."""
TRUTH = {"true": True, "false": False}
UNPRINTABLE = ("contains a control character or a line break", "use a single line of printable characters")


@dataclass(frozen=True)
class Mark:
    """Where a key or a value begins, counted from 1, and its text as a message shows it."""

    line: int
    column: int
    text: str = ""


@dataclass
class Document:
    """The data of one YAML file, the nodes of its keys and values by place, and the problems of its form."""

    file: str
    data: object = None
    keys: dict[Loc, yaml.Node] = field(default_factory=dict)
    values: dict[Loc, yaml.Node] = field(default_factory=dict)
    problems: list[LocatedProblem] = field(default_factory=list)
    refused: set[Loc] = field(default_factory=set)
    """Places whose value was rejected for its form; any other problem there is a consequence."""

    def locate(self, problem: Problem) -> LocatedProblem:
        """The problem with the line and column of its value, or of the nearest key or mapping around it."""
        node = self.values.get(problem.loc)
        if node is not None and problem.shows_value:
            value = _mark(node)
            return LocatedProblem(self.file, value.line, value.column, problem.reason, value.text, problem.hint)
        near = self._nearest(problem.loc)
        return LocatedProblem(self.file, near.line, near.column, problem.reason, "", problem.hint)

    def _nearest(self, loc: Loc) -> Mark:
        for length in range(len(loc), -1, -1):
            node = self.keys.get(loc[:length]) or self.values.get(loc[:length])
            if node is not None:
                return _mark(node)
        return Mark(1, 1)


def read_yaml(text: str, file: str) -> Document:
    """The document that a YAML text describes. Raises SpecError if the text is empty or not valid YAML.

    Problems that leave the rest readable (a repeated key, an alias) go into the document's `problems`.
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
    except InvalidValue as invalid:
        document.refused.add(loc)
        document.problems.append(document.locate(Problem(loc, f"{named(loc)} {invalid}", invalid.hint)))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, loc)
    return [_value(document, item, (*loc, index)) for index, item in enumerate(node.value)]


def _mapping(document: Document, node: yaml.MappingNode, loc: Loc) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = _key(document, key_node, loc)
        if key is None:
            continue
        if key in mapping:
            _repeated(document, _mark(key_node), (*loc, key))
        else:
            document.keys[(*loc, key)] = key_node
            mapping[key] = _value(document, value_node, (*loc, key))
    return mapping


def _key(document: Document, node: yaml.Node, loc: Loc) -> str | None:
    """The text of a key; for anything else, notes a problem and returns None."""
    try:
        return _word(node)
    except InvalidValue as invalid:
        mark = _mark(node)
        reason = f"a key of {named(loc)} {invalid}"
        document.problems.append(
            LocatedProblem(document.file, mark.line, mark.column, reason, mark.text, invalid.hint)
        )
        return None


def _word(node: yaml.Node) -> str:
    word = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(word, str) or not word:
        raise InvalidValue("must be a word", "docs/spec.md lists the keys")
    if word.endswith("\n"):  # which a value may do: a block of text
        raise InvalidValue(*UNPRINTABLE)
    return word


def _repeated(document: Document, mark: Mark, loc: Loc) -> None:
    reason = f"the key {mark.text} is given twice in {named(loc[:-1])}"
    hint = f"line {_mark(document.keys[loc]).line} has it too; keep one"
    document.problems.append(LocatedProblem(document.file, mark.line, mark.column, reason, hint=hint))


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    if node.tag == ALIAS:
        raise InvalidValue("is an alias, which a spec does not allow", "write the value out")
    value = scalar_value(node.tag, node.value)
    if isinstance(value, str) and not value.rstrip("\n").isprintable():
        raise InvalidValue(*UNPRINTABLE)
    return value


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1, _shown(node))


def _shown(node: yaml.Node) -> str:
    """The value as it was written, but shortened, printable, and without private keys and passwords of addresses."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return f"a list of {len(node.value)}"
    text = str(node.value)
    if "PRIVATE KEY" in text:
        return "a private key"
    text = without_credentials(text)
    short = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    plain = printable(short)
    quoted = isinstance(node, yaml.ScalarNode) and node.style in {'"', "'"}
    return f'"{plain}"' if quoted else plain or "nothing"


def scalar_value(tag: str, text: str) -> str | int | float | bool | None:
    """The value of a scalar with that resolved tag; raises InvalidValue if programs read its text differently."""
    kind = tag.removeprefix(PREFIX)
    if kind == "null":
        return None
    if kind == "bool" and text in TRUTH:
        return TRUTH[text]
    if kind == "int" and INTEGER.match(text):
        return int(text)
    if kind == "float" and DECIMAL.match(text):
        return float(text)
    if kind in {"bool", "int", "float"}:
        raise _ambiguous(kind, text)
    refuse_tag(tag)
    return text


def refuse_tag(tag: str) -> None:
    """Raise InvalidValue for an explicit tag."""
    kind = tag.removeprefix(PREFIX)
    if kind not in PLAIN:
        raise InvalidValue(
            f"has the tag {kind}, and a spec allows no tags", "write the plain value, in quotes if it is text"
        )


def _ambiguous(kind: str, text: str) -> InvalidValue:
    if kind == "bool":
        return InvalidValue(
            "is a word that some programs read as true or false, and others as text",
            f'for text, put it in quotes: "{text}"',
        )
    return InvalidValue(
        "is a number in a form that programs read differently",
        f'write it in plain digits without leading zeros; for text, put it in quotes: "{text}"',
    )
