"""From text to PyYAML's nodes, within bounds: no alias is followed, and nothing is nested deeper than in any spec.

libyaml reads what is good, ten times as fast; what it refuses is read again by PyYAML's own parser, whose words
`builder.spec.yaml_hints` knows.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import yaml

from builder.errors import Problem, SpecError
from builder.spec import yaml_hints

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
        raise SpecError([Problem(file, 1, 1, "the spec is empty", hint="vipforge init writes one to start from")])
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
        raise SpecError([yaml_hints.problem(file, error)]) from None
    except (ValueError, OverflowError):  # PyYAML lets chr() refuse an escape such as "\UFFFFFFFF"
        mark = loader.get_mark() if loader else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SpecError([Problem(file, line, column, "broken YAML: an escape that names no character")]) from None


def _unreadable(text: str, file: str, error: yaml.reader.ReaderError) -> Problem:
    before = text[: error.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    reason = f"the character U+{ord(text[error.position]):04X} is not allowed in a spec"
    return Problem(file, line, column, reason, hint="remove it; an editor may show it as a blank")
