"""Inputs of Packer templates: every guest with each of its builders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from builder.guests import Facts, all_guests
from builder.image.foundations import guest_of
from builder.image.packer import builders
from builder.image.packer.builders import Builder, TemplateInputs, expected_access
from builder.image.packer.template import GuestNetwork
from builder.image.plan import BakeContext, BakePlan, plan_for
from builder.spec.keepalived_features import keepalived_for
from tests.specs import quickstart

PAIRS = [(facts, builder) for facts in all_guests().values() for builder in builders.builders_for(facts)]
NAMES = [f"{facts.name}-{builder.name}" for facts, builder in PAIRS]


def plan(facts: Facts, builder: Builder) -> BakePlan:
    """The plan of a bake of the quickstart cluster with that guest."""
    cluster = quickstart(guest=facts.name)
    return plan_for(cluster, guest_of(facts), builder, keepalived_for(cluster, facts))


def inputs(facts: Facts, builder: Builder, folder: Path = Path("/work"), **changes: object) -> TemplateInputs:
    """The inputs of the Packer template for that plan; `folder` is where the files of the bake would be."""
    planned = plan(facts, builder)
    foundation = planned.guest.expected_foundation(planned.cluster, builder.medium, folder)
    context = BakeContext(
        foundation=foundation,
        foundation_sha256="ab" * 32,
        accelerator="tcg" if builder.local else "",
        access=expected_access(folder, foundation, facts, "the-key", kickstart=planned.installs),
        network=GuestNetwork(is_online=True),
        work=folder,
        console=folder / "console.log",
    )
    return replace(
        planned.template_inputs(context), scripts=(folder / "10-overlay.sh", folder / "90-clean.sh"), **changes
    )
