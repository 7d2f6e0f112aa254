"""The emitters: what each language's readers make of hostile values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.core import quoting
from builder.core.quoting import UnwritableValue, Written, yaml_text

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
quick = settings(derandomize=True, database=None, deadline=None)
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


@quick
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


def haproxy_words(line: str) -> list[str]:
    """The words of a line of haproxy.cfg without quotes, by its documentation (section 2.2)."""
    words = re.findall(r"(?:\\x[0-9a-fA-F]{2}|\\.|[^\\ #])+", line)
    return [re.sub(r"\\(x[0-9a-fA-F]{2}|.)", lambda code: _character(code[1]), word) for word in words]


def _character(code: str) -> str:
    return chr(int(code[1:], 16)) if len(code) == 3 else code


READERS: dict[str, Callable[[str], list[str]]] = {
    "haproxy_word": haproxy_words,
    "config_word": lambda text: re.findall(r"[^\s!#\"'$%;{}<>\\]+", text),
    "config_line": lambda text: [line for line in text.splitlines() if "$" not in line],
    "xml_text": lambda text: [fromstring(f"<a b='{text}'/>").get("b")],
    "shell_word": shlex.split,
}


@quick
@pytest.mark.parametrize("emitter", READERS)
@given(
    value=st.one_of(
        st.sampled_from([*WORDS, *TEXTS]),
        st.text(st.characters(max_codepoint=0x2FF, exclude_categories=("Cs",)), min_size=1),
    )
)
def test_a_reader_gets_the_value_or_it_is_refused(emitter: str, value: str) -> None:
    with suppress(UnwritableValue):
        text = getattr(quoting, emitter)(value)
        assert isinstance(text, Written)
        assert not value or READERS[emitter](text) == [value]


def test_words_and_lines_that_need_no_quotes_stay_as_they_are() -> None:
    for emitter in READERS:
        assert getattr(quoting, emitter)("a1.example.com") == "a1.example.com"


def test_a_line_of_an_assignment_is_never_two() -> None:
    assert quoting.assignments({"A": "x =#'y", "B": ""}) == "A=x =#'y\nB=\n"
    with pytest.raises(UnwritableValue):
        quoting.assignments({"A": "x\nB=y"})


def test_packer_reads_no_expression_except_its_variables() -> None:
    data = {"path": ["/a${b}%{c}$d", "echo ${var.ssh_username}"], "memory": 1}
    assert quoting.packer_literals(data) == {"path": ["/a$${b}%%{c}$d", "echo ${var.ssh_username}"], "memory": 1}


def test_a_comma_in_a_path_ends_no_option_of_qemu() -> None:
    assert quoting.qemu_path(Path("/a,b/c=d.qcow2")) == "/a,,b/c=d.qcow2"


def test_a_path_of_ssh_is_no_token() -> None:
    assert quoting.ssh_config_path(Path("/a b/50%d")) == '"/a b/50%%d"'
    with pytest.raises(UnwritableValue):
        quoting.ssh_config_path(Path('/a"b'))
