"""Parse YAML into nodes, within bounds, and explain syntax errors."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml

from builder.core.errors import LocatedProblem, SpecError

MAX_DEPTH = 16
ALIAS = "alias"
"""The tag of the scalar that replaces an alias, so that a small file cannot expand into a huge one."""
EXPLANATIONS = (
    ("character '\\t' that cannot start", "a tab where YAML allows only spaces", "indent with spaces"),
    (
        "that cannot start any token",
        "a value begins with a character that has a special meaning in YAML",
        "put the value in quotes",
    ),
    (
        "mapping values are not allowed here",
        "a colon where there can be no key",
        "indent the line like its neighbors; put a value that contains a colon in quotes",
    ),
    ("could not find expected ':'", "a key has no colon", "write key: value, with a space after the colon"),
    (
        "expected <block end>",
        "the indentation does not match the lines above",
        "align the keys of one mapping, and the dashes of one list",
    ),
    ("but found another document", "a second document begins here", "keep one document per file: remove the ---"),
    ("expected ',' or ']'", "a list in brackets is not closed", "end it with ], and put commas between the entries"),
    ("expected ',' or '}'", "a mapping in braces is not closed", "end it with }, and put commas between the entries"),
    ("unexpected end of stream", "a quoted value is not closed", "end it with the quote with which it begins"),
    ("second occurrence", "an anchor is defined twice", "remove the anchors; a spec allows no aliases"),
)
"""A fragment of PyYAML's message, our reason, our hint."""


class BoundedComposer(yaml.composer.Composer):
    """PyYAML's composer with a limited depth and without aliases; works with either parser."""

    check_event: Any
    get_event: Any
    peek_event: Any
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node of the stream."""
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()
            return yaml.ScalarNode(ALIAS, f"*{event.anchor}", event.start_mark, event.end_mark)
        if self.depth == MAX_DEPTH:
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class Loader(BoundedComposer, yaml.SafeLoader):
    """The bounded composer with PyYAML's parser."""


if yaml.__with_libyaml__:

    class FastLoader(BoundedComposer, yaml.CSafeLoader):
        """The bounded composer with libyaml's parser."""

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            yaml.composer.Composer.__init__(self)


def compose(text: str, file: str) -> yaml.Node:
    """The root node of a YAML text. Raises SpecError if the text is empty or not valid YAML."""
    root = _root(text, file)
    if root is None:
        raise SpecError(
            [LocatedProblem(file, 1, 1, "the spec is empty", hint="vipforge init writes one to start from")]
        )
    return root


def _root(text: str, file: str) -> yaml.Node | None:
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError, ValueError):
            return FastLoader(text).get_single_node()
    return _root_or_reason(text, file)


def _root_or_reason(text: str, file: str) -> yaml.Node | None:
    loader = None
    try:
        loader = Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        raise SpecError([_unreadable(text, file, error)]) from None
    except yaml.MarkedYAMLError as error:
        raise SpecError([yaml_problem(file, error)]) from None
    except (ValueError, OverflowError):  # PyYAML passes an escape to chr(), which rejects "\UFFFFFFFF"
        mark = loader.get_mark() if loader else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SpecError(
            [LocatedProblem(file, line, column, "invalid YAML: an escape that is not a character")]
        ) from None


def _unreadable(text: str, file: str, error: yaml.reader.ReaderError) -> LocatedProblem:
    before = text[: error.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    reason = f"the character U+{ord(text[error.position]):04X} is not allowed in a spec"
    return LocatedProblem(file, line, column, reason, hint="remove it; an editor may show it as a blank")


def yaml_problem(file: str, error: yaml.MarkedYAMLError) -> LocatedProblem:
    """The error as a problem with its place; an unclosed quote or bracket is reported where it opens."""
    message = error.problem or error.context or "not YAML"
    known = ((reason, hint) for fragment, reason, hint in EXPLANATIONS if fragment in message)
    reason, hint = next(known, (message, ""))
    is_unclosed = "is not closed" in reason
    mark = (is_unclosed and error.context_mark) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return LocatedProblem(file, line, column, f"invalid YAML: {reason}", hint=hint)
