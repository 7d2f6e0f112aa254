"""Nodes on hypervisors: deploying, upgrading and removing them, and exporting images.

Each folder here that has a `DESCRIPTION` is a hypervisor; this module finds them and describes their command lines.
"""

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
    """A hypervisor's options and help texts on the command line."""

    options: type[Any]
    """A dataclass in which each field is an option: `ssh_port`, with metadata from `option`, becomes `--ssh-port`."""
    deploy: str
    """The help text of `vipforge deploy NAME`; the next two fields are those of `destroy` and `upgrade`."""
    destroy: str
    upgrade: str = "Replace each node, the standby first; a node that does not become healthy is rolled back."


def option(text: str, *verbs: Verb) -> Mapping[str, Any]:
    """Return the metadata that makes a field an option: its help text, and the commands that have it (default: all).

    The field's type may be str, bool, Path, `Sequence[str]` (the option may be repeated) or a Literal of strings.
    An option without a default is required; a command that lacks an option uses the option's default.
    """
    return {"help": text, "verbs": verbs or VERBS}


@cache
def hypervisors() -> Mapping[str, Description]:
    """Return the description of every hypervisor by name, which is the name of its folder."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    packages = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: package.DESCRIPTION for name, package in packages.items() if hasattr(package, "DESCRIPTION")}
