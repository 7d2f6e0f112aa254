"""An upgrade in the simulated vCenter: standby first, the old machine kept, rollback, and nothing left at the end.

The machines are the simulator's. `Guests` answers for their guests, depending on what runs and from which image.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pyVmomi import vim

from builder.core.errors import UserError
from builder.core.progress import carry_out
from builder.deploy.hypervisor import machine_name
from builder.deploy.machine import baked_image
from builder.deploy.vsphere import deploy, machines
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.hypervisor import VsphereMachines
from builder.deploy.vsphere.node import IMAGE_KEY, Destination, SeedStore, seed_file, template_name
from builder.deploy.vsphere.session import Login, finish
from builder.deploy.vsphere.site import Site
from builder.nodes import upgrade
from builder.nodes.status import NodeState
from builder.nodes.upgrade import Standing, Upgrade
from builder.seed.seed import seed
from builder.seed.transports import find_transport, nocloud
from builder.spec.model import Cluster, Node
from tests.integration.deploy.conftest import fake_bake
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration

NAMES = {"quickstart-lb1", "quickstart-lb2"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(upgrade, "HAND_OVER_SECONDS", 0)


@dataclass
class Guests:
    """The protocol `Nodes`: a guest serves while its machine runs, unless its image is the sick one."""

    cluster: Cluster
    site: Site
    sick: str = ""
    away: set[str] = field(default_factory=set)
    did: list[str] = field(default_factory=list)
    lost: bool = False

    def look(self) -> dict[str, NodeState]:
        serving = {node.name: self._serves(node) for node in self.cluster.nodes}
        ranked = sorted(
            self.cluster.nodes, key=lambda node: (not serving[node.name], node.name in self.away, node.name)
        )
        holder = ranked[0].name if serving[ranked[0].name] else ""
        self.lost = self.lost or not holder
        return {node.name: self._state(node, holder, serving=serving[node.name]) for node in self.cluster.nodes}

    def hand_over(self, node: Node, way: str) -> None:
        self.did.append(f"{way} {node.name.split('.')[0]}")
        (self.away.add if way == "away" else self.away.discard)(node.name)

    def forget(self, node: Node) -> None:
        self.did.append(f"forget {node.name.split('.')[0]}")
        self.away.discard(node.name)

    def silent(self) -> list[str]:
        return []

    def _serves(self, node: Node) -> bool:
        name = machine_name(self.cluster, node)
        found = self.site.find([name]).get(name)
        return found is not None and found.on and found.variables[IMAGE_KEY] != self.sick

    def _state(self, node: Node, holder: str, *, serving: bool) -> NodeState:
        if not serving:
            return NodeState(node.name, "running", ssh=False, trouble="no route to host")
        well = {"cloud_init": "done", "identity": "active", "haproxy": "active", "keepalived": "active"}
        vips = tuple(map(str, self.cluster.vrrp.vips)) if node.name == holder else ()
        return NodeState(node.name, "running", ssh=True, **well, vrrp="MASTER" if vips else "BACKUP", vips=vips)


@pytest.fixture
def deployed(image: Cluster, login: Login, site: Site) -> Cluster:
    """The pair, running from one image; another has been baked since."""
    carry_out(deployment([image], Destination(site, login)))
    return fake_bake(image)


def go(cluster: Cluster, login: Login, site: Site, guests: Guests) -> list[str]:
    return Upgrade(cluster, VsphereMachines(cluster, Destination(site, login)), guests, seconds=0).carry_out()


def images(site: Site) -> dict[str, str]:
    return {each.name: each.image for each in deploy.managed_machines(site)}


def on(site: Site) -> set[str]:
    return {found.name for found in site.machines() if found.on}


def templates(site: Site) -> list[str]:
    return sorted(found.name for found in site.machines() if found.name.startswith("vipforge-image-"))


@pytest.mark.parametrize(("before", "after"), [("guestinfo", "iso"), ("iso", "guestinfo")])
def test_another_transport_is_an_upgrade_which_leaves_no_seed_behind(
    image: Cluster, login: Login, site: Site, *, before: str, after: str
) -> None:
    carry_out(deployment([image], Destination(site, login, find_transport(before))))
    wanted = VsphereMachines(image, Destination(site, login, find_transport(after)))
    assert len(Upgrade(image, wanted, Guests(image, site), seconds=0).carry_out()) == len(image.nodes)
    assert {each.transport for each in deploy.managed_machines(site)} == {after}
    store, facts = SeedStore(site, login, image.cluster), baked_image(image).facts
    for node in image.nodes:
        made = seed(image, node, facts)
        assert store.has(seed_file(made.instance_id), len(nocloud.image(made))) == (after == "iso")


def test_the_standby_is_renewed_first_and_the_old_image_is_removed(
    deployed: Cluster, login: Login, site: Site
) -> None:
    new, guests = baked_image(deployed).label, Guests(deployed, site)
    assert go(deployed, login, site, guests) == ["lb2.example.com", "lb1.example.com"]
    assert guests.did == ["forget lb2", "away lb1", "forget lb1"]
    assert guests.lost is False
    assert images(site) == dict.fromkeys(NAMES, new)
    assert templates(site) == [template_name(new)]
    assert carry_out(deployment([deployed], Destination(site, login))) == 0, (
        "a deployment finds everything up to date, including the rule"
    )
    assert go(deployed, login, site, guests) == []


def test_a_plan_shows_every_step_and_changes_nothing(deployed: Cluster, login: Login, site: Site) -> None:
    before = images(site)
    plan = Upgrade(deployed, VsphereMachines(deployed, Destination(site, login)), Guests(deployed, site), 0).plan()
    assert f"+ template {template_name(baked_image(deployed).label)}" in plan
    assert plan.index("machine quickstart-lb2 powered off and kept as") < plan.index("lb1.example.com: hand 192.168")
    assert images(site) == before


def test_an_unhealthy_node_gets_its_old_machine_back(deployed: Cluster, login: Login, site: Site) -> None:
    before = images(site)
    guests = Guests(deployed, site, sick=baked_image(deployed).label)
    with pytest.raises(UserError, match="its old machine is back, and serves"):
        go(deployed, login, site, guests)
    assert images(site) == before
    assert on(site) == NAMES
    assert guests.lost is False


@pytest.mark.parametrize("method", ["CloneVM_Task", "PowerOnVM_Task", "Rename_Task", "Destroy_Task"])
def test_an_error_interrupts_no_service_and_a_second_run_continues(
    deployed: Cluster, vcenter: Vcenter, site: Site, method: str
) -> None:
    guests = Guests(deployed, site)
    vcenter.fail(method, "full")
    with pytest.raises(UserError, match="NoDiskSpace"):
        go(deployed, vcenter.login, site, guests)
    assert guests.lost is False
    assert on(site) == NAMES
    assert "lb1.example.com" in go(deployed, vcenter.login, site, guests)
    assert images(site) == dict.fromkeys(NAMES, baked_image(deployed).label)


def test_an_interrupted_upgrade_continues_with_the_unproven_machine(
    deployed: Cluster, login: Login, site: Site
) -> None:
    machines, node = VsphereMachines(deployed, Destination(site, login)), deployed.nodes[1]
    carry_out(machines.prepare(deployed.nodes))
    for done in (1, 2, 3):  # set aside, cloned, the rule; but not powered on
        assert machines.standing(node) == Standing(current=False, kept=done > 1)
        machines.replace(node)[0 if done == 1 else done - 2].make()
    assert machines.standing(node) == Standing(current=False, kept=True)
    carry_out(machines.replace(node))
    assert machines.standing(node) == Standing(current=True, kept=True)
    assert go(deployed, login, site, Guests(deployed, site)) == ["lb2.example.com", "lb1.example.com"]


def test_a_changed_seed_replaces_the_old_one(deployed: Cluster, login: Login, site: Site) -> None:
    seeds = {each.name: each.seed for each in deploy.managed_machines(site)}
    nodes = tuple(node.model_copy(update={"priority": node.priority - 10}) for node in deployed.nodes)
    changed = deployed.model_copy(update={"nodes": nodes})
    go(changed, login, site, Guests(changed, site))
    store = SeedStore(site, login, "quickstart")
    everything = vim.host.DatastoreBrowser.SearchSpec(matchPattern=["*"])
    task = site.datastore.browser.SearchDatastore_Task(store.path("").rstrip("/"), everything)
    files = {file.path for file in task.info.result.file}
    assert files == {f"{each.seed}.iso" for each in deploy.managed_machines(site)}
    assert not files & {f"{seed}.iso" for seed in seeds.values()}


@pytest.mark.usefixtures("deployed")
def test_a_guest_with_vmwares_tools_is_shut_down_and_not_powered_off(vcenter: Vcenter, site: Site) -> None:
    tools = vim.option.OptionValue(key="SET.guest.toolsRunningStatus", value="guestToolsRunning")
    finish(site.machine("quickstart-lb2").ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=[tools])), "tools")
    vcenter.fail("PowerOffVM_Task", "deny", "VirtualMachine.Interact.PowerOff")
    machines.stop(site, "quickstart-lb2")
    assert on(site) == {"quickstart-lb1"}
    with pytest.raises(UserError, match="lacks the privilege"):
        machines.stop(site, "quickstart-lb1")
