"""What is broken on purpose: one module a family of scenarios, found by itself; adding one is adding a file."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from builder.proof.scenarios.scenario import Effect, Notice, Scenario

__all__ = ["Effect", "Notice", "Scenario", "known"]


@cache
def known() -> dict[str, Scenario]:
    """Every scenario by its name, in the order of the modules and within them."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    found = [scenario for module in modules for scenario in getattr(module, "SCENARIOS", ())]
    return {scenario.name: scenario for scenario in found}
