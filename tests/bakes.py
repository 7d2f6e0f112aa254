"""Inputs of a bake for templates: every guest with every builder that it can be baked with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from builder.guests import Facts, all_guests
from builder.image.foundations import guest_of
from builder.image.packer import builders
from builder.image.packer.builders import Builder, TemplateInputs, expected
from builder.image.packer.template import Reach
from builder.image.plan import BakePlan, Surroundings, plan_for
from builder.spec.features import keepalived_for
from tests.specs import quickstart

PAIRS = [(facts, builder) for facts in all_guests().values() for builder in builders.builders_for(facts)]
NAMES = [f"{facts.name}-{builder.name}" for facts, builder in PAIRS]


def plan(facts: Facts, builder: Builder) -> BakePlan:
    """The plan of the quickstart's bake with that guest."""
    cluster = quickstart(guest=facts.name)
    return plan_for(cluster, guest_of(facts), builder, keepalived_for(cluster, facts))


def inputs(facts: Facts, builder: Builder, folder: Path = Path("/work"), **changes: object) -> TemplateInputs:
    """What Packer's template is given by the plan; `folder` is where the bake's files would be."""
    made = plan(facts, builder)
    foundation = made.guest.expected(made.cluster, builder.medium, folder)
    around = Surroundings(
        foundation=foundation,
        foundation_sha256="ab" * 32,
        accelerator="tcg" if builder.local else "",
        access=expected(folder, foundation, facts, "the-key", kickstart=made.installs),
        reach=Reach(network=True),
        work=folder,
        console=folder / "console.log",
    )
    return replace(made.template_inputs(around), scripts=(folder / "10-overlay.sh", folder / "90-clean.sh"), **changes)
