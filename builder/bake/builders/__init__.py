"""The ways to bake, one module each: a disk or an installer in QEMU, an installer or a template in a vCenter."""

from __future__ import annotations

from builder.bake.builders import qemu, qemu_iso, vsphere_clone, vsphere_iso
from builder.bake.builders.base import Builder, TemplateInputs
from builder.errors import UserError
from builder.guests import Facts

__all__ = ["Builder", "TemplateInputs", "named", "of"]

ALL = (qemu.BUILDER, qemu_iso.BUILDER, vsphere_iso.BUILDER, vsphere_clone.BUILDER)


def named(name: str, facts: Facts) -> Builder:
    """The builder of that name; raises UserError with those that the guest can be baked with."""
    usable = of(facts)
    for builder in usable:
        if builder.name == name:
            return builder
    names = ", ".join(builder.name for builder in usable)
    raise UserError(f"{facts.title} cannot be baked with the builder {name}", hint=f"use one of: {names}")


def of(facts: Facts) -> tuple[Builder, ...]:
    """The builders that the guest can be baked with."""
    return tuple(builder for builder in ALL if builder.medium in facts.media)
