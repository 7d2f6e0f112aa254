"""The presets: one module an application, which says in the spec's own words what its services are.

A module has `services(asked)`; whatever a preset gives, a person could have written into the spec.
"""

from __future__ import annotations

from importlib import import_module

from builder.spec.preset import Preset
from builder.spec.service import Service


def services(asked: Preset) -> tuple[Service, ...]:
    """The services that a preset stands for."""
    found: tuple[Service, ...] = import_module(f"{__name__}.{asked.preset}").services(asked)
    return found
