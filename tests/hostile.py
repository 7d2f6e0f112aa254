"""Hostile values for every text in a spec: which texts there are, and what the readers of each language find."""

from __future__ import annotations

import configparser
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import fromstring

import yaml

from builder.spec.report import schema

Path = tuple[str | int, ...]
KEY = "the name of a key"
"""The last part of the path of a mapping's key."""
SCHEMA = json.loads(schema())


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema without its reference, and without the alternative of null."""
    if "$ref" in part:
        return resolved(SCHEMA["$defs"][part["$ref"].rpartition("/")[2]])
    kinds = [each for each in part.get("anyOf", []) if each.get("type") != "null"]
    return resolved(kinds[0]) if kinds else part


def texts(part: dict[str, Any] = SCHEMA, path: Path = ()) -> Iterator[Path]:
    """The path of each text that a spec can have, with 0 for a place in a list."""
    part = resolved(part)
    for name, each in part.get("properties", {}).items():
        yield from texts(each, (*path, name))
    if "items" in part:
        yield from texts(part["items"], (*path, 0))
    if "propertyNames" in part:
        yield (*path, KEY)
    if part.get("type") == "string":
        yield path


def example(part: dict[str, Any]) -> Any:
    """A value for a part of the schema, with the keys that it requires."""
    part = resolved(part)
    for key in ("examples", "enum"):
        if key in part:
            return part[key][0]
    if "const" in part:
        return part["const"]
    if part.get("type") == "array":
        return [example(part["items"])]
    if part.get("type") != "object":
        return part.get("default", part.get("minimum", 1))
    return {name: example(part["properties"][name]) for name in part.get("required", [])}


def value_at(spec: Any, path: Path) -> str | None:
    """The text there; None if the spec has none."""
    for key in path:
        if not spec:
            return None
        spec = next(iter(spec)) if key == KEY else spec.get(key) if isinstance(spec, dict) else spec[0]
    return spec


def with_text(spec: Any, path: Path, value: str) -> Any:
    """The spec with the value in place of the text there, also where others refer to it by that text."""
    former = value_at(spec, path)
    return _placed(spec, SCHEMA, path, value) if former is None else _replaced(spec, former, value)


def _placed(data: Any, part: dict[str, Any], path: Path, value: str) -> Any:
    if not path:
        return value
    part, (key, *rest) = resolved(part), path
    if key == 0:
        first, *others = data or [example(part["items"])]
        return [_placed(first, part["items"], tuple(rest), value), *others]
    data = data or example(part)
    if key == KEY:
        return {**data, value: example(part["additionalProperties"])}
    return {**data, key: _placed(data.get(key), part["properties"][key], tuple(rest), value)}


def example_at(path: Path) -> str:
    """A text that is valid there."""
    part = SCHEMA
    for key in path:
        part = resolved(part)
        part = part["propertyNames"] if key == KEY else part["items"] if key == 0 else part["properties"][key]
    return str(example(part))


def _replaced(data: Any, former: str, value: str) -> Any:
    if isinstance(data, dict):
        return {value if key == former else key: _replaced(each, former, value) for key, each in data.items()}
    if isinstance(data, list):
        return [_replaced(each, former, value) for each in data]
    return value if data == former else data


def scalars(data: Any) -> list[str]:
    """Every scalar in the data, with the keys of mappings."""
    if isinstance(data, dict):
        return [text for key, each in data.items() for text in (str(key), *scalars(each))]
    return [text for each in data for text in scalars(each)] if isinstance(data, list | tuple) else [repr_of(data)]


def repr_of(data: Any) -> str:
    """The text; a value of another type as no text can be written, so that `null` and null differ."""
    return data if isinstance(data, str) else f"\x00{data!r}"


def haproxy_words(text: str) -> list[str]:
    """The words of haproxy.cfg, which has no quotes (section 2.2 of its documentation)."""
    code = re.sub(r"(?m)(?<!\\)#.*$", "", text)
    found = re.findall(r"(?:\\x[0-9a-fA-F]{2}|\\.|[^\\ \n])+", code)
    words = [re.sub(r"\\(x[0-9a-fA-F]{2}|.)", _character, word) for word in found]
    formats = {number + 1 for number, word in enumerate(words) if word == "location"}
    literal = [_literal(word) if number in formats else word for number, word in enumerate(words)]
    return [word.replace("\\.", ".") if word.startswith("^") else word for word in literal]  # a regular expression


def _literal(log_format: str) -> str:
    """The text of a log format, which must not contain a variable."""
    assert "%" not in log_format.replace("%%", ""), log_format
    return log_format.replace("%%", "%")


def _character(code: re.Match[str]) -> str:
    return chr(int(code[1][1:], 16)) if len(code[1]) > 1 else code[1]


def keepalived_words(text: str) -> list[str]:
    """The words of keepalived.conf, in which `!` and `#` begin comments."""
    return re.sub(r"(?m)[!#].*$", "", text).replace('"', " ").split()


def repository_values(text: str) -> list[str]:
    """The values in a .repo file: yum and dnf expand `$NAME`, and divide a list of addresses at commas and spaces."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), interpolation=None)
    parser.read_file(io.StringIO(text))
    values = [value for section in parser.sections() for _, value in parser.items(section)]
    return [re.sub(r"\$\w+", "", word) for value in values for word in re.split(r"[,\s]+", value)]


def xml_values(text: str) -> list[str]:
    """The texts and attributes of an XML document."""
    nodes = list(fromstring(text).iter())
    return [value for node in nodes for value in (*node.attrib.values(), (node.text or "").strip())]


def yaml_values(text: str) -> list[str]:
    """The scalars of a YAML text, in which libyaml and PyYAML must find the same."""
    data = yaml.safe_load(text)
    assert data == yaml.load(text, yaml.CSafeLoader)
    return scalars(data)


def page_texts(text: str) -> list[str]:
    """The texts of the page in an HTTP response."""
    page = text.partition("\r\n\r\n")[2]
    assert f"Content-Length: {len(page.encode())}\r\n" in text
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(page)
    parser.close()
    return ["".join(found)]


READERS = {
    "haproxy.cfg": haproxy_words,
    "statistics.cfg": haproxy_words,
    "keepalived.conf": keepalived_words,
    "identity": lambda text: [line.partition("=")[2] for line in text.splitlines()],
    "repo": repository_values,
    "http": page_texts,
    "xml": xml_values,
    "user-data": yaml_values,
    "meta-data": yaml_values,
    "network-config": yaml_values,
    "yaml": yaml_values,
    "json": lambda text: scalars(json.loads(text)),
}
"""The reader of each file, by its name or suffix; any other file is read by lines."""


def read(files: dict[str, str]) -> dict[str, list[str]]:
    """What the readers find in each file, by its path."""
    return {path: _reader(path)(text) for path, text in files.items()}


def _reader(path: str) -> Any:
    name = path.rpartition("/")[2]
    return READERS.get(name) or READERS.get(name.rpartition(".")[2]) or str.splitlines


def count(found: list[str], text: str, *, apart_from: str = "\0") -> int:
    """How often a text is among what a reader found, as a whole or between characters that no name has."""
    pattern = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
    return sum(len(pattern.findall(each.replace(apart_from, "\0"))) for each in found)
