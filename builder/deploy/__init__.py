"""The hypervisors that the commands know, and how each presents itself on the command line."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

Verb = Literal["deploy", "upgrade", "destroy"]


VERBS: tuple[Verb, ...] = ("deploy", "upgrade", "destroy")


@dataclass(frozen=True)
class Description:
    """How a hypervisor presents itself on the command line."""

    options: type[Any]
    """A dataclass; a field `ssh_port` with the metadata of `option` is the option `--ssh-port`."""
    deploy: str
    """The help of `vipforge deploy NAME`, and of the other two commands below."""
    destroy: str
    upgrade: str = "Replace each node, the standby first; a node that does not become healthy is rolled back."


def option(text: str, *verbs: Verb) -> Mapping[str, Any]:
    """The metadata of a field that is an option: its help, and the commands that have it (none named: all three).

    The field's type may be str, bool, Path, `Sequence[str]` (the option may be repeated) or a Literal of strings. An
    operator has to give an option without a default; a command that does not have an option uses its default.
    """
    return {"help": text, "verbs": verbs or VERBS}


@cache
def hypervisors() -> Mapping[str, Description]:
    """Every hypervisor by its name, which is the name of its folder."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    packages = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: package.DESCRIPTION for name, package in packages.items() if hasattr(package, "DESCRIPTION")}
