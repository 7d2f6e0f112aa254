"""The steps of a deployment: only missing things are created, and an error lists what exists."""

from __future__ import annotations

import pytest

from builder.core.errors import UserError
from builder.core.progress import HINT, Step, carry_out, plan_text
from builder.deploy.hypervisor import Choice
from tests.specs import quickstart


def fail() -> None:
    raise UserError("no space left")


def test_a_plan_marks_what_exists_and_what_will_be_created() -> None:
    steps = [Step("image", True, fail), Step("domain", False, fail)]
    assert plan_text(steps) == "= image\n+ domain"


def test_only_missing_things_are_created_in_order() -> None:
    made: list[str] = []
    steps = [Step(name, name == "b", lambda name=name: made.append(name)) for name in "abc"]
    assert carry_out(steps) == 2
    assert made == ["a", "c"]


def test_an_error_lists_what_exists_by_then() -> None:
    steps = [Step("image", True, fail), Step("disk", False, lambda: None), Step("domain", False, fail)]
    with pytest.raises(UserError) as failure:
        carry_out(steps)
    assert failure.value.message == "no space left\n  already there:\n    image\n    disk"
    assert failure.value.hint == HINT


def test_an_error_in_the_first_step_says_that_nothing_was_made() -> None:
    with pytest.raises(UserError, match="nothing was created"):
        carry_out([Step("image", False, fail)])


def test_a_node_can_be_chosen_by_its_short_name() -> None:
    cluster = quickstart()
    assert Choice().nodes(cluster) == cluster.nodes
    assert Choice("lb2").nodes(cluster) == cluster.nodes[1:]
    with pytest.raises(UserError, match="quickstart has no node lb9"):
        Choice("lb9").nodes(cluster)
