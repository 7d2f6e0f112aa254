"""The parser's events, and hints for what YAML's own errors say."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml

from builder.core.errors import LocatedProblem, SpecError

DEEPEST = 16
ALIAS = "alias"
"""The tag of the scalar that stands for an alias; so a small file cannot unfold into a huge one."""


class Bounded(yaml.composer.Composer):
    """PyYAML's composer with these bounds, on top of either parser."""

    check_event: Any
    get_event: Any
    peek_event: Any
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node of the stream."""
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()
            return yaml.ScalarNode(ALIAS, f"*{event.anchor}", event.start_mark, event.end_mark)
        if self.depth == DEEPEST:
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST} levels", problem_mark=mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class Loader(Bounded, yaml.SafeLoader):
    """The composer on PyYAML's own parser."""


if yaml.__with_libyaml__:

    class FastLoader(Bounded, yaml.CSafeLoader):
        """The composer on libyaml's parser."""

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            yaml.composer.Composer.__init__(self)


def compose(text: str, file: str) -> yaml.Node:
    """The root node of a YAML text. Raises SpecError where the text is not YAML or is empty."""
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
        raise SpecError([problem(file, error)]) from None
    except (ValueError, OverflowError):  # PyYAML lets chr() refuse an escape such as "\UFFFFFFFF"
        mark = loader.get_mark() if loader else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SpecError(
            [LocatedProblem(file, line, column, "broken YAML: an escape that names no character")]
        ) from None


def _unreadable(text: str, file: str, error: yaml.reader.ReaderError) -> LocatedProblem:
    before = text[: error.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    reason = f"the character U+{ord(text[error.position]):04X} is not allowed in a spec"
    return LocatedProblem(file, line, column, reason, hint="remove it; an editor may show it as a blank")


PLAIN = (
    ("character '\\t' that cannot start", "a tab stands where YAML takes only spaces", "indent with spaces"),
    (
        "that cannot start any token",
        "a value begins with a character that means something else in YAML",
        "put the value in quotes",
    ),
    (
        "mapping values are not allowed here",
        "a colon stands where no key can be",
        "indent the line like its neighbours; put a value that has a colon in quotes",
    ),
    ("could not find expected ':'", "a key has no colon", "write key: value, with a space after the colon"),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "align the keys of one mapping, and the dashes of one list",
    ),
    ("but found another document", "a second document begins here", "keep one document a file; remove the ---"),
    ("expected ',' or ']'", "a list in brackets is not closed", "end it with ], and put commas between the entries"),
    ("expected ',' or '}'", "a mapping in braces is not closed", "end it with }, and put commas between the entries"),
    ("unexpected end of stream", "a quoted value is not closed", "end it with the quote that it begins with"),
    ("second occurrence", "an anchor is given twice", "remove the anchors; a spec takes no aliases"),
)
"""Part of PyYAML's sentence, our reason, our hint."""


def problem(file: str, error: yaml.MarkedYAMLError) -> LocatedProblem:
    """The error as a problem with its place; an unclosed quote or bracket is shown where it opens."""
    said = error.problem or error.context or "not YAML"
    reason, hint = next(((reason, hint) for part, reason, hint in PLAIN if part in said), (said, ""))
    opens = "is not closed" in reason
    mark = (opens and error.context_mark) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return LocatedProblem(file, line, column, f"broken YAML: {reason}", hint=hint)
