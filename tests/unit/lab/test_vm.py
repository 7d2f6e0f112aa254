"""A node's machine: QEMU's command line, and the errors without an image."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from builder.core import paths
from builder.core.errors import UserError
from builder.lab import vm
from builder.lab.network import macs
from builder.spec.load import load
from tests import examples
from tests.specs import quickstart


@pytest.fixture(autouse=True)
def no_qemu_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm, "qemu", lambda: Path("/usr/bin/qemu-system-x86_64"))


def command_line(accelerator: str = "tcg") -> list[str]:
    cluster = quickstart()
    return vm.command(cluster, cluster.nodes[1], accelerator)


def values_of(option: str, argv: list[str]) -> list[str]:
    return [value for name, value in pairwise(argv) if name == option]


def test_each_node_has_its_own_port_of_the_bridge() -> None:
    assert values_of("-netdev", command_line()) == ["tap,id=net0,ifname=tap1,script=no,downscript=no"]


def test_a_management_card_comes_after_that_of_the_cluster() -> None:
    """The guest names its cards in this order."""
    cluster = load(examples.FOLDER / "management.yml")
    argv, known = vm.command(cluster, cluster.nodes[1], "tcg"), macs(cluster, cluster.nodes[1])
    ports = [
        f"tap,id=net{number},ifname={port},script=no,downscript=no" for number, port in enumerate(("tap1", "mgmt1"))
    ]
    assert values_of("-netdev", argv) == ports
    cards = [each for each in values_of("-device", argv) if each.startswith("virtio-net-pci")]
    assert [card.split(",")[1:4:2] for card in cards] == [
        ["netdev=net0", f"mac={known.primary}"],
        ["netdev=net1", f"mac={known.management}"],
    ]


@pytest.mark.parametrize(("accelerator", "cpu"), [("kvm", "host"), ("tcg", "max")])
def test_the_accelerator_determines_the_processor(accelerator: str, cpu: str) -> None:
    assert values_of("-machine", command_line(accelerator)) == [f"pc,accel={accelerator}"]
    assert values_of("-cpu", command_line(accelerator)) == [cpu]


def test_the_monitor_is_given_relative_to_the_nodes_folder() -> None:
    """A socket's address has 108 bytes at most, and the state folder's path may be longer."""
    assert values_of("-qmp", command_line()) == ["unix:qmp,server=on,wait=off"]


def test_a_comma_in_a_path_does_not_end_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPFORGE_STATE", "/tmp/a,b")
    assert values_of("-drive", command_line())[0].startswith("file=/tmp/a,,b/labs/")


def test_a_missing_image_is_reported_with_the_command_that_bakes_it() -> None:
    with pytest.raises(UserError, match="quickstart is not baked yet") as caught:
        vm.appliance(quickstart())
    assert "vipforge image" in caught.value.hint


def test_an_image_without_its_manifest_is_not_used() -> None:
    path = paths.build_folder("quickstart", "appliance.qcow2")
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(UserError, match="not baked yet"):
        vm.appliance(quickstart())
