"""One emitter per language that vipforge writes: what it writes of a value, the language's readers read back."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

from builder.core.errors import UserError

WORD = re.compile(r"[A-Za-z0-9._:/@+=,~-]*\Z")
"""What every program that reads a configuration takes as it is."""
LINE = re.compile(r"[ !-#%-~]*\Z")
"""One line without `$`, which yum and dnf expand."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
XML_QUOTES = {'"': "&quot;", "'": "&apos;"}
PACKER_EXPRESSION = re.compile(r"\$\{(?!var\.[a-z_]+\})|%\{")
"""The start of an expression in Packer's HCL, except of a reference to an input variable."""

AMBIGUOUS = re.compile(r"([-+.0-9].*|[ynYN])\Z", re.DOTALL)
"""Strings that PyYAML leaves plain and that some reader takes for something else: `1e3` and `0o17` are numbers in
YAML 1.2, and `y` is a boolean in YAML 1.1. Quotes around the other words that begin like numbers do no harm."""


class YamlDumper(yaml.SafeDumper):
    """Writes YAML 1.1 and 1.2 alike: strings are quoted where any version takes the plain word for another type."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write values that occur twice in full, because not every reader knows aliases."""
        return True


def _represent_string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


YamlDumper.add_representer(str, _represent_string)
YamlDumper.add_implicit_resolver("tag:yaml.org,2002:float", AMBIGUOUS, list("-+.0123456789yYnN"))


def yaml_text(data: object) -> str:
    """The data as YAML in ASCII, which also Python 2's PyYAML reads whatever the locale; long lines are not folded.

    Strings of several lines become block scalars where YAML allows it.
    """
    return yaml.dump(data, Dumper=YamlDumper, width=sys.maxsize, sort_keys=False)


class Written(str):
    """Text in which an emitter has written a value; another emitter leaves it as it is."""

    __slots__ = ()


class UnwritableValue(UserError):
    """A value that the language of a file has no way to express."""

    def __init__(self, value: str, where: str) -> None:
        super().__init__(
            f"{value!r} cannot be written in {where}",
            hint="vipforge check should have refused it with its line: please report this",
        )


def haproxy_word(text: str) -> Written:
    """One word of haproxy.cfg, for every release.

    Only 1.6 and later support quotes, so a quote is written by its code, which 1.5 reads as well.
    """
    if CONTROL.search(text):
        raise UnwritableValue(text, "haproxy.cfg")
    return Written(re.sub(r"([ #\\])", r"\\\1", text).replace('"', r"\x22").replace("'", r"\x27"))


def haproxy_format_word(text: str) -> Written:
    """One word where HAProxy expects a log format, in which a percent sign begins a variable."""
    return haproxy_word(text.replace("%", "%%"))


def config_word(text: str) -> Written:
    """One word of a file whose language has no quotes, or whose quotes differ between releases.

    In keepalived.conf, for example, `!` and `#` begin comments even within quotes before keepalived 2.
    """
    if not WORD.match(text):
        raise UnwritableValue(text, "a configuration file")
    return Written(text)


def config_line(text: str) -> Written:
    """The rest of a line in a .repo file or a kickstart file."""
    if not LINE.match(text):
        raise UnwritableValue(text, "a line")
    return Written(text)


def xml_text(text: str) -> Written:
    """The text of an element, or the value of an attribute in quotes; XML 1.0 has no control characters."""
    if CONTROL.search(text):
        raise UnwritableValue(text, "XML")
    return Written(escape(text, XML_QUOTES))


def shell_word(text: str) -> Written:
    """One word of a POSIX shell command, and of what splits words as the shell does (mmdebstrap's hooks)."""
    return Written(shlex.quote(text))


def assignments(values: dict[str, str]) -> str:
    """Lines of KEY=VALUE, for a reader that takes the rest of the line as the value."""
    for value in values.values():
        if CONTROL.search(value):
            raise UnwritableValue(value, "a line")
    return "".join(f"{key}={value}\n" for key, value in values.items())


def ssh_config_path(path: Path) -> str:
    """A path in quotes for ssh_config(5), where a percent sign begins a token."""
    text = str(path)
    if '"' in text or CONTROL.search(text):
        raise UnwritableValue(text, "ssh_config")
    return f'"{text.replace("%", "%%")}"'


def qemu_path(path: Path) -> str:
    """A path in one of QEMU's option lists, where a comma is written twice."""
    return str(path).replace(",", ",,")


def packer_literals(data: object) -> object:
    """Data for a Packer template in JSON, in which `${` and `%{` begin expressions in every string.

    Only references to input variables stay expressions.
    """
    if isinstance(data, dict):
        return {key: packer_literals(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [packer_literals(each) for each in data]
    return PACKER_EXPRESSION.sub(lambda start: start[0][0] + start[0], data) if isinstance(data, str) else data
