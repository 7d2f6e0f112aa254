"""The emitters: what each language's readers make of hostile values."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.core.quoting import yaml_text

WORDS = [
    "null",
    "Null",
    "NULL",
    "~",
    "true",
    "True",
    "false",
    "no",
    "No",
    "NO",
    "yes",
    "on",
    "off",
    "y",
    "Y",
    "n",
    "N",
    "0",
    "00",
    "010",
    "0o10",
    "0x10",
    "0b1",
    "1e3",
    "1.5",
    ".5",
    "5.",
    "1_000",
    "+1",
    "-1",
    ".inf",
    "-.INF",
    ".nan",
    "1:20",
    "190:20:30",
    "2001:db8::1",
    "::",
    "::/0",
    "2026-11-27",
    "2026-11-27T10:00:00Z",
    "=",
    "<<",
    "-",
    "?",
    ":",
    "|",
    ">",
    "&",
    "*",
    "!",
    "%",
    "@",
    "`",
    "{",
    "}",
    "[",
    "]",
    ",",
    "#",
    '"#x"',
    "'",
    '"',
    "---",
    "...",
    "!!int",
    "*a",
    "&a",
    "%YAML",
    "-x",
    "x:",
    "x:y",
    "@x",
]
TEXTS = [
    "",
    " ",
    " x",
    "x ",
    "a: b",
    "a #b",
    "\t",
    "\n",
    "\n x",
    " x\n",
    "a\n\n",
    "x \ny",
    "ä",
    "\u2028",
    "\x85",
    "\U0001f600",
    "\x1b",
]


class CoreSchemaLoader(yaml.SafeLoader):
    """Reads plain scalars by the core schema of YAML 1.2 (section 10.3.2), as PyYAML itself does by YAML 1.1."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - PyYAML's own attribute


for tag, pattern in {
    "null": r"null|Null|NULL|~|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}.items():
    CoreSchemaLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), None)

LOADERS = (yaml.SafeLoader, yaml.CSafeLoader, CoreSchemaLoader)
plain_texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)


def check_yaml(value: str) -> None:
    data = {"key": value, value: [value], "nested": [{"key": [value, value]}]}
    text = yaml_text(data)
    assert text.isascii()
    for loader in LOADERS:
        assert yaml.load(text, loader) == data


@pytest.mark.parametrize("value", [*WORDS, *TEXTS])
def test_yaml_of_every_version_reads_the_same_string(value: str) -> None:
    check_yaml(value)


@given(plain_texts)
def test_yaml_reads_any_text_back(value: str) -> None:
    check_yaml(value)


def test_yaml_has_no_aliases_and_folds_no_line() -> None:
    keys = ["ssh-ed25519 " + "A" * 400 + " a comment of words " * 20]
    text = yaml_text({"first": keys, "second": keys})
    assert "&" not in text
    assert text.count("\n") == 4


def test_the_content_of_a_file_stays_readable() -> None:
    assert yaml_text({"content": "KEY=value\nOTHER=#x\n"}) == "content: |\n  KEY=value\n  OTHER=#x\n"
