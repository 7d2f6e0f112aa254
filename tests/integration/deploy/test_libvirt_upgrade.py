"""Upgrades and removals on a real libvirtd: which domains and volumes exist after each outcome.

The guests boot nothing, so `Guests` answers for them; tests/e2e has real ones.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from builder.core.errors import TimedOut, UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.hypervisor import Choice
from builder.deploy.libvirt import LibvirtOptions, domains
from builder.deploy.libvirt.host import Host
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.deploy.machine import baked_image
from builder.nodes import upgrade
from builder.nodes.status import NodeState
from builder.nodes.upgrade import Upgrade
from builder.spec.model import Cluster, Node
from tests.integration.deploy.conftest import fake_bake

pytestmark = pytest.mark.integration
NAMES = ["quickstart-lb1", "quickstart-lb2"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(domains, "POWER_OFF_SECONDS", 0)


class Guests:
    """The guests of the nodes: the first one holds the VIP until it hands it over."""

    def __init__(self, cluster: Cluster, sick: str = "") -> None:
        self._cluster = cluster
        self._sick = sick
        self._away = False
        self._renewed: set[str] = set()

    def look(self) -> dict[str, NodeState]:
        return {node.name: self._state(node) for node in self._cluster.nodes}

    def hand_over(self, node: Node, way: str) -> None:
        self._away = way == "away" and node == self._cluster.nodes[0]

    def forget(self, node: Node) -> None:
        self._renewed ^= {node.name}

    def silent(self) -> list[str]:
        return []

    def _state(self, node: Node) -> NodeState:
        if node.name in self._renewed and node.name.startswith(self._sick or "-"):
            return NodeState(node.name, "running", ssh=False)
        well = {"cloud_init": "done", "identity": "active", "haproxy": "active", "keepalived": "active"}
        vips = tuple(map(str, self._cluster.vrrp.vips)) if self._holds(node) else ()
        return NodeState(node.name, "running", ssh=True, **well, vrrp="BACKUP", vips=vips)

    def _holds(self, node: Node) -> bool:
        return self._cluster.nodes.index(node) == int(self._away)


def on(host: Host, stack: ExitStack) -> LibvirtHypervisor:
    return LibvirtHypervisor(LibvirtOptions((host.uri,), bridge="br0"), stack)


def put(cluster: Cluster, host: Host) -> None:
    with ExitStack() as stack:
        carry_out(on(host, stack).deployment([cluster]))


def renew(cluster: Cluster, host: Host, sick: str = "") -> list[str]:
    with ExitStack() as stack:
        return Upgrade(cluster, on(host, stack).machines(cluster), Guests(cluster, sick), 0).carry_out()


def volumes(host: Host) -> list[str]:
    """Return the kinds of the volumes: one word per image, disk and seed."""
    names = host.pool.names()
    return sorted("image" if name.startswith("vipforge-") else name.rpartition(".")[2] for name in names)


WHOLE = ["image", "iso", "iso", "qcow2", "qcow2"]


def test_both_nodes_are_renewed_and_nothing_old_is_left(image: Cluster, host: Host) -> None:
    put(image, host)
    fake_bake(image)
    assert renew(image, host) == ["lb2.example.com", "lb1.example.com"]
    assert host.domains.names() == NAMES
    assert volumes(host) == WHOLE
    assert f"vipforge-{baked_image(image).label}.qcow2" in host.pool.names()
    assert all(host.domains.is_running(name) for name in NAMES)
    assert renew(image, host) == []


def test_an_unhealthy_node_gets_its_old_domain_and_disk_back(image: Cluster, host: Host) -> None:
    put(image, host)
    before = {name: (host.domains.note(name), host.domains.volumes(name)) for name in NAMES}
    fake_bake(image)
    with pytest.raises(TimedOut, match="its old machine is back"):
        renew(image, host, sick="lb2")
    assert {name: (host.domains.note(name), host.domains.volumes(name)) for name in NAMES} == before
    assert host.domains.names() == NAMES
    assert all(host.domains.is_running(name) for name in NAMES)
    assert before["quickstart-lb2"][1] <= set(host.pool.names())
    assert f"vipforge-{baked_image(image).label}.qcow2" not in host.pool.names()
    assert renew(image, host) == ["lb2.example.com", "lb1.example.com"]
    assert volumes(host) == WHOLE


def test_a_changed_size_alone_renews_the_nodes(image: Cluster, host: Host) -> None:
    put(image, host)
    larger = image.model_copy(update={"libvirt": image.libvirt.model_copy(update={"memory_mib": 512})})
    assert len(renew(larger, host)) == 2
    assert volumes(host) == WHOLE


@pytest.mark.parametrize("steps_done", [1, 2, 3])
def test_an_interrupted_upgrade_continues_from_every_step(image: Cluster, host: Host, steps_done: int) -> None:
    put(image, host)
    fake_bake(image)
    with ExitStack() as stack:
        machines = on(host, stack).machines(image)
        standby = image.nodes[1]
        carry_out(machines.prepare(image.nodes))
        for step in [each for each in machines.replace(standby) if not each.ready][:steps_done]:
            step.make()
    assert renew(image, host) == ["lb2.example.com", "lb1.example.com"]
    assert host.domains.names() == NAMES
    assert volumes(host) == WHOLE


def test_a_machine_that_never_became_healthy_is_replaced_by_a_third_image(image: Cluster, host: Host) -> None:
    put(image, host)
    fake_bake(image)
    with ExitStack() as stack:
        machines = on(host, stack).machines(image)
        carry_out(machines.prepare(image.nodes))
        carry_out(machines.replace(image.nodes[1]))
    fake_bake(image)
    assert renew(image, host) == ["lb2.example.com", "lb1.example.com"]
    assert host.domains.names() == NAMES
    assert volumes(host) == WHOLE


def test_a_kept_domain_does_not_start_with_the_host(image: Cluster, host: Host) -> None:
    put(image, host)
    fake_bake(image)
    with ExitStack() as stack:
        machines = on(host, stack).machines(image)
        carry_out(machines.prepare(image.nodes))
        carry_out(machines.replace(image.nodes[1]))
    look_up = host.domains._connection.lookupByName
    assert [look_up(name).autostart() for name in ("quickstart-lb2", "quickstart-lb2.old")] == [1, 0]
    assert not host.domains.is_running("quickstart-lb2.old")


def test_a_removal_removes_the_whole_cluster_and_nothing_else(image: Cluster, host: Host) -> None:
    put(image, host)
    fake_bake(image)
    with ExitStack() as stack:  # interrupted: one node exists twice, and there are two images
        machines = on(host, stack).machines(image)
        carry_out(machines.prepare(image.nodes))
        carry_out(machines.replace(image.nodes[1]))
    host.pool.upload("quickstart-lb1-notes.iso", "raw", b"somebody's", 512)
    host.pool.upload("quickstart-lb1-0123456789abcdef.iso", "raw", b"left over", 512)
    other = image.model_copy(update={"cluster": "other"})
    with ExitStack() as stack:
        libvirt = on(host, stack)
        image_of_both = baked_image(image).path
        carry_out(libvirt.deployment([other], Choice("lb1"), image_of_both))
        todo = libvirt.removal(image)
        shown = plan_text(todo, "-")
        assert "- qemu:///system: domain quickstart-lb2.old removed" in shown
        assert "notes" not in shown
        carry_out(todo)
        assert libvirt.removal(image) == []
    left = host.pool.names()
    assert host.domains.names() == ["other-lb1"]
    assert [name for name in left if name.startswith("quickstart")] == ["quickstart-lb1-notes.iso"]
    assert [name for name in left if name.startswith("vipforge")] == [f"vipforge-{baked_image(image).label}.qcow2"]


def test_disks_that_are_copies_do_not_need_the_image_and_are_removed_like_overlays(image: Cluster, host: Host) -> None:
    copied = image.model_copy(update={"libvirt": image.libvirt.model_copy(update={"disks": "copy"})})
    put(copied, host)
    assert host.pool.bases() == {}
    assert volumes(host) == WHOLE
    fake_bake(copied)
    assert len(renew(copied, host)) == 2
    assert volumes(host) == WHOLE
    with ExitStack() as stack:
        carry_out(on(host, stack).removal(copied))
    assert host.pool.names() == []


def test_one_image_for_many_clusters_is_uploaded_once(image: Cluster, host: Host) -> None:
    clusters = [image.model_copy(update={"cluster": f"cluster{number}"}) for number in range(5)]
    with ExitStack() as stack:
        todo = on(host, stack).deployment(clusters, image=baked_image(image).path)
    assert len([step for step in todo if ": image " in step.what]) == 1
    assert len([step for step in todo if ": domain " in step.what]) == 10


def test_a_foreign_domain_under_the_kept_name_is_left_alone(image: Cluster, host: Host) -> None:
    put(image, host)
    name = "quickstart-lb1.old"
    host.domains.define(
        f"<domain type='qemu'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    )
    with pytest.raises(UserError, match=r"a domain quickstart-lb1\.old that vipforge did not create"):
        renew(fake_bake(image), host)
