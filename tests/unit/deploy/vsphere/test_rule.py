"""Where a node starts: DRS's choice, or a host of its own where DRS is off."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyVmomi import vim

from builder.deploy.vsphere import rule


def site(*, drs: bool, hosts: str) -> SimpleNamespace:
    """A cluster of hosts named by letters; small ones are connected, those after a minus are in maintenance."""
    members = [
        SimpleNamespace(name=name.strip("-"), runtime=SimpleNamespace(
            connectionState=vim.HostSystem.ConnectionState.connected if name.islower() else "disconnected",
            inMaintenanceMode=name.startswith("-"),
        ))
        for name in hosts.split()
    ]  # fmt: skip
    settings = SimpleNamespace(drsConfig=SimpleNamespace(enabled=drs))
    return SimpleNamespace(cluster=SimpleNamespace(name="C0", configurationEx=settings, host=members))


def test_drs_chooses_where_it_is_on() -> None:
    assert rule.host(site(drs=True, hosts="a b"), 0) is None


@pytest.mark.parametrize(
    ("hosts", "chosen"),
    [("b a c", ["a", "b"]), ("a", ["a", "a"]), ("-a b A c", ["b", "c"]), ("A -b", [None, None])],
)
def test_without_it_each_node_has_a_host_of_its_own_as_far_as_there_are_usable_ones(
    hosts: str, chosen: list[str | None]
) -> None:
    place = site(drs=False, hosts=hosts)
    assert [getattr(rule.host(place, number), "name", None) for number in (0, 1)] == chosen


@pytest.mark.parametrize(
    ("drs", "hosts", "words"),
    [(False, "a b", "DRS is off in C0"), (True, "a", "C0 has fewer hosts"), (True, "a b", "")],
)
def test_what_cannot_be_kept_is_told(drs: bool, hosts: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    rule._warn(site(drs=drs, hosts=hosts), 2)
    told = capsys.readouterr().err
    assert words in told
    assert bool(told) == bool(words)
