"""Rehearsals that watch a VIP other than the first: an IPv6 VIP, and a VIP of another instance."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.faults.campaign import CampaignOptions, rehearse
from builder.faults.model import Trial

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).parents[2] / "examples"
LB1, LB2 = "lb1.example.com", "lb2.example.com"


def trial(example: str, vip: str, scenario: str) -> Trial:
    found = rehearse(EXAMPLES / f"{example}.yml", CampaignOptions(only=(scenario,), rate=0.01, vip=vip))
    ((only,),) = [result.trials for result in found.scenarios]
    return only


@pytest.mark.parametrize(
    ("example", "vip", "scenario", "first", "probes"),
    [
        ("ipv6", "2001:db8:59::10", "haproxy-killed", LB1, {"ping", "tcp", "http", "kept"}),
        ("ipv6", "2001:db8:59::20", "link-cut", LB1, {"ping", "tcp", "greeting"}),
        ("active-active", "192.168.58.20", "keepalived-killed", LB2, {"ping", "tcp", "http", "kept"}),
    ],
)
def test_the_vip_moves_to_the_other_node_and_returns(
    example: str, vip: str, scenario: str, first: str, probes: set[str]
) -> None:
    seen = trial(example, vip, scenario)
    other = LB2 if first == LB1 else LB1
    assert seen.failures == ()
    assert {moment.vip for moment in seen.holders} == {vip}
    assert (seen.holders[0].nodes, seen.holders[-1].nodes) == ((first,), (first,))
    assert (other,) in [moment.nodes for moment in seen.holders]
    assert (other, "MASTER") in [(moment.node, moment.state) for moment in seen.states]
    assert seen.garps
    for probe in probes:
        assert {sample.node for sample in seen.samples if sample.ok and sample.probe == probe} == {LB1, LB2}
