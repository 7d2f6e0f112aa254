"""A node's seed as vApp properties of its machine: vCenter shows them in a form, and hands them to the guest.

The template has them from its descriptor, without values; a machine whose template has none gets them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from pyVmomi import vim

from builder.ship import ovf


def settings(original: Any, values: Mapping[str, str]) -> vim.vApp.VmConfigSpec:  # noqa: ANN401 - pyVmomi's types
    """What a clone of the machine `original` is to have: these values by their keys, and both ways to the guest."""
    there = original.config.vAppConfig.property if original.config.vAppConfig else []
    return vim.vApp.VmConfigSpec(
        property=list(_changes(there, values)), ovfEnvironmentTransport=ovf.ENVIRONMENT_TRANSPORT.split()
    )


def _changes(there: list[Any], values: Mapping[str, str]) -> Iterator[vim.vApp.PropertySpec]:
    known = {each.id: each for each in there}
    free = count(max((each.key for each in there), default=-1) + 1)
    for category, entries in ovf.PROPERTIES.items():
        for name, label, description in entries:
            info = vim.vApp.PropertyInfo(
                key=known[name].key if name in known else next(free),
                id=name,
                category=category,
                label=label,
                description=description,
                type="string",
                userConfigurable=True,
                value=values[name],
            )
            yield vim.vApp.PropertySpec(operation="edit" if name in known else "add", info=info)
