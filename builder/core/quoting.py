"""One emitter per language that vipforge writes: what it writes of a value, the language's readers read back."""

from __future__ import annotations

import re
import sys

import yaml

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
