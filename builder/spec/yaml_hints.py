"""PyYAML's errors in plain words: what is wrong with the text, and what to do about it."""

from __future__ import annotations

import yaml

from builder.errors import Problem

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


def problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    """The error as a problem with its place; an unclosed quote or bracket is shown where it opens."""
    said = error.problem or error.context or "not YAML"
    reason, hint = next(((reason, hint) for part, reason, hint in PLAIN if part in said), (said, ""))
    opens = "is not closed" in reason
    mark = (opens and error.context_mark) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(file, line, column, f"broken YAML: {reason}", hint=hint)
