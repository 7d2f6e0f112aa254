"""The table for people, compared with golden files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.verify.plan import CLUSTER, Report, Result, check_table
from tests.golden import assert_golden

LB1, LB2 = "lb1.example.com", "lb2.example.com"
GOOD = (
    Result("haproxy", "HAProxy accepts its configuration", LB1, "", 0.1),
    Result("haproxy", "HAProxy accepts its configuration", LB2, "", 0.1),
    Result("identity", "The host name is the node's full name", LB1, "", 0.1),
    Result("identity", "The host name is the node's full name", LB2, "", 0.1),
    Result("vrrp", "Exactly one node holds the VIP: 192.0.2.10", CLUSTER, "", 0.1),
)
BAD = (
    *GOOD[:3],
    Result("identity", "The host name is the node's full name", LB2, "the host name is localhost [not a tag]", 0.1),
    Result("vrrp", "Exactly one node holds the VIP: 192.0.2.10", CLUSTER, f"held by {LB1}, {LB2}", 0.1),
)
WARNED = (*GOOD[:3], replace(GOOD[3], warning="it is long"), GOOD[4])


@pytest.mark.parametrize(
    ("name", "results"), [("all-passed.txt", GOOD), ("two-failed.txt", BAD), ("one-warning.txt", WARNED)]
)
def test_the_table_matches_its_golden_file(name: str, results: tuple[Result, ...]) -> None:
    assert_golden(f"verify/{name}", check_table(Report("quickstart", results, 41.2), colour=False) + "\n")


def test_plain_text_has_no_control_characters() -> None:
    assert check_table(Report("quickstart", BAD, 41.2), colour=False).replace("\n", "").isprintable()


def test_colour_marks_failures() -> None:
    assert "\x1b[1;31mfailed" in check_table(Report("quickstart", BAD, 41.2), colour=True)
