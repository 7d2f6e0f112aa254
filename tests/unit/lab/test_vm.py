"""A node's machine: QEMU's command line, and what is said before there is an image."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from builder.core import paths
from builder.core.errors import UserError
from builder.lab import vm
from tests.specs import quickstart


@pytest.fixture(autouse=True)
def no_qemu_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm, "qemu", lambda: Path("/usr/bin/qemu-system-x86_64"))


def words(how: str = "tcg") -> list[str]:
    cluster = quickstart()
    return vm.command(cluster, cluster.nodes[1], how)


def after(option: str, line: list[str]) -> list[str]:
    return [value for name, value in pairwise(line) if name == option]


def test_each_node_has_its_own_port_of_the_bridge() -> None:
    assert after("-netdev", words()) == ["tap,id=net0,ifname=tap1,script=no,downscript=no"]


@pytest.mark.parametrize(("how", "cpu"), [("kvm", "host"), ("tcg", "max")])
def test_the_accelerator_decides_on_the_processor(how: str, cpu: str) -> None:
    assert after("-machine", words(how)) == [f"pc,accel={how}"]
    assert after("-cpu", words(how)) == [cpu]


def test_the_monitor_is_given_relative_to_the_nodes_folder() -> None:
    """A socket's address has 108 bytes at most, and the state folder's path may be longer."""
    assert after("-qmp", words()) == ["unix:qmp,server=on,wait=off"]


def test_a_comma_in_a_path_does_not_end_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", "/tmp/a,b")
    assert after("-drive", words())[0].startswith("file=/tmp/a,,b/labs/")


def test_an_image_that_is_not_baked_yet_is_asked_for() -> None:
    with pytest.raises(UserError, match="quickstart is not baked yet") as caught:
        vm.appliance(quickstart())
    assert "vipforge image" in caught.value.hint


def test_an_image_without_its_manifest_is_not_taken() -> None:
    path = paths.build_folder("quickstart", "appliance.qcow2")
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(UserError, match="not baked yet"):
        vm.appliance(quickstart())
