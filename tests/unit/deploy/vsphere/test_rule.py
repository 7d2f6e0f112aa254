"""Where a node starts: DRS chooses, or each node gets its own host if DRS is off."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyVmomi import vim

from builder.deploy.vsphere import rule


def site(*, drs: bool, hosts: str) -> SimpleNamespace:
    """A cluster of hosts named by letters: capitals are disconnected, a minus means maintenance mode."""
    members = [
        SimpleNamespace(name=name.strip("-"), runtime=SimpleNamespace(
            connectionState=vim.HostSystem.ConnectionState.connected if name.islower() else "disconnected",
            inMaintenanceMode=name.startswith("-"),
        ))
        for name in hosts.split()
    ]  # fmt: skip
    settings = SimpleNamespace(drsConfig=SimpleNamespace(enabled=drs))
    return SimpleNamespace(cluster=SimpleNamespace(name="C0", configurationEx=settings, host=members))


def test_drs_chooses_if_it_is_on() -> None:
    assert rule.host_for(site(drs=True, hosts="a b"), 0) is None


@pytest.mark.parametrize(
    ("hosts", "chosen"),
    [("b a c", ["a", "b"]), ("a", ["a", "a"]), ("-a b A c", ["b", "c"]), ("A -b", [None, None])],
)
def test_without_drs_the_usable_hosts_take_turns(hosts: str, chosen: list[str | None]) -> None:
    without_drs = site(drs=False, hosts=hosts)
    assert [getattr(rule.host_for(without_drs, number), "name", None) for number in (0, 1)] == chosen


@pytest.mark.parametrize(
    ("drs", "hosts", "words"),
    [(False, "a b", "DRS is off in C0"), (True, "a", "C0 has fewer hosts"), (True, "a b", "")],
)
def test_a_warning_says_when_the_nodes_cannot_be_kept_apart(
    drs: bool, hosts: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rule._warn(site(drs=drs, hosts=hosts), 2)
    warning = capsys.readouterr().err
    assert words in warning
    assert bool(warning) == bool(words)
