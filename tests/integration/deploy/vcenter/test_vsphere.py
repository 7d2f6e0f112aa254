"""Deploying to a vCenter: created once, found the second time, and nothing secret is shown."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace

import pytest
from pyVmomi import vim

from builder.core.errors import UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.hypervisor import Choice, machine_name
from builder.deploy.machine import baked_image
from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination, SeedStore, hardware_addresses, template_name
from builder.deploy.vsphere.session import Login, connected, finish
from builder.deploy.vsphere.site import Site, find_all, find_site
from builder.seed.seed import seed
from builder.seed.transports import find_transport, nocloud, ovf
from builder.spec.management import Management
from builder.spec.model import Cluster
from tests.integration.deploy.conftest import fake_bake
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("transport", "number"), [("iso", 8), ("guestinfo", 6), ("ovf", 6)])
def test_a_pair_is_created_once_and_found_the_second_time(
    image: Cluster, login: Login, site: Site, transport: str, number: int
) -> None:
    first = deployment([image], Destination(site, login, find_transport(transport)))
    assert carry_out(first) == len(first) == number
    again = deployment([image], Destination(site, login, find_transport(transport)))
    assert carry_out(again) == 0
    assert plan_text(again) == plan_text(first).replace("+ ", "= ")


def test_the_template_has_the_hardware_of_the_descriptor(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login))[:1])
    template = site.machine(template_name(baked_image(image).label))
    assert template.config.template
    kinds = {type(device) for device in template.config.hardware.device}
    assert {vim.vm.device.ParaVirtualSCSIController, vim.vm.device.VirtualVmxnet3} <= kinds
    (disk,) = [each for each in template.config.hardware.device if isinstance(each, vim.vm.device.VirtualDisk)]
    assert disk.backing.datastore is None or disk.backing.datastore == site.datastore


def test_each_node_runs_with_its_seed_as_guestinfo(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login, find_transport("guestinfo"))))
    for node in image.nodes:
        machine = site.machine(machine_name(image, node))
        values = {option.key: option.value for option in machine.config.extraConfig}
        user_data = gzip.decompress(base64.b64decode(values["guestinfo.userdata"])).decode()
        assert user_data == seed(image, node, baked_image(image).facts).user_data
        assert machine.runtime.powerState == "poweredOn"


def test_a_management_card_is_added_and_both_cards_have_the_addresses_of_the_seed(
    image: Cluster, login: Login
) -> None:
    nodes = [node.model_copy(update={"management": f"10.9.0.{n}"}) for n, node in enumerate(image.nodes, start=11)]
    cluster = image.model_copy(update={"management": Management(prefix=24), "nodes": tuple(nodes)})
    options = VsphereOptions(login.server, login.user, network="VM Network", management_network="DC0_DVPG0")
    with connected(login) as service:
        site = find_site(service, options)
        carry_out(deployment([cluster], Destination(site, login)))
        for node in cluster.nodes:
            devices = site.machine(machine_name(cluster, node)).config.hardware.device
            cards = [each for each in devices if isinstance(each, vim.vm.device.VirtualEthernetCard)]
            known = hardware_addresses(cluster, node)
            assert [card.macAddress for card in cards] == [known.primary, known.management]
            assert cards[0].backing.deviceName == "VM Network"
            assert cards[1].backing.port.portgroupKey == site.management.key


def test_a_management_card_needs_the_name_of_its_network(image: Cluster, login: Login, site: Site) -> None:
    cluster = image.model_copy(update={"management": Management(prefix=24)})
    with pytest.raises(UserError, match="nothing says what connects them"):
        deployment([cluster], Destination(site, login))


def test_each_node_runs_with_its_seed_as_vapp_properties(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login, find_transport("ovf"))))
    for node in image.nodes:
        machine = site.machine(machine_name(image, node))
        vapp = machine.config.vAppConfig
        properties = ovf.properties(seed(image, node, baked_image(image).facts))
        assert {each.id: each.value for each in vapp.property} == properties
        assert {each.id for each in vapp.property if each.userConfigurable and each.label} == set(properties)
        assert vapp.ovfEnvironmentTransport == ["com.vmware.guestInfo", "iso"]
        assert machine.runtime.powerState == "poweredOn"


def test_each_node_has_its_seed_on_a_cd_from_the_first_start(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login)))
    for node in image.nodes:
        made = seed(image, node, baked_image(image).facts)
        devices = site.machine(machine_name(image, node)).config.hardware.device
        (drive,) = [each for each in devices if isinstance(each, vim.vm.device.VirtualCdrom)]
        assert drive.backing.fileName == f"[{site.datastore.name}] vipforge-quickstart/{made.instance_id}.iso"
        assert drive.connectable.startConnected
        assert SeedStore(site, login, "quickstart").has(f"{made.instance_id}.iso", len(nocloud.image(made)))


def test_the_nodes_are_kept_on_different_hosts(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login)))
    (rule,) = site.cluster.configurationEx.rule
    assert isinstance(rule, vim.cluster.AntiAffinityRuleSpec)
    assert rule.enabled
    assert {machine.name for machine in rule.vm} == {"quickstart-lb1", "quickstart-lb2"}


def test_a_dry_run_changes_nothing(image: Cluster, login: Login, site: Site) -> None:
    assert "= " not in plan_text(deployment([image], Destination(site, login)))
    assert find_all(site.content, site.datacenter, vim.VirtualMachine) == []


def test_an_incomplete_template_of_a_killed_run_is_imported_again(image: Cluster, login: Login, site: Site) -> None:
    name = template_name(baked_image(image).label)
    spec = vim.vm.ConfigSpec(
        name=name, guestId="otherGuest", files=vim.vm.FileInfo(vmPathName=f"[{site.datastore.name}]")
    )
    finish(site.folder.CreateVM_Task(spec, site.pool), "half")
    carry_out(deployment([image], Destination(site, login))[:1])
    assert site.machine(name).config.template


def test_nodes_of_another_image_are_not_changed(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login)))
    with pytest.raises(UserError, match="another spec or image"):
        deployment([fake_bake(image)], Destination(site, login))


@pytest.mark.parametrize(("before", "after"), [("guestinfo", "iso"), ("iso", "guestinfo"), ("iso", "ovf")])
def test_another_transport_is_a_change(image: Cluster, login: Login, site: Site, *, before: str, after: str) -> None:
    carry_out(deployment([image], Destination(site, login, find_transport(before))))
    wanted = Destination(site, login, find_transport(after))
    with pytest.raises(UserError, match="with other options"):
        deployment([image], wanted)
    carry_out(deployment([image], wanted, Choice(replace=True)))
    assert carry_out(deployment([image], wanted)) == 0
    for node in image.nodes:
        made = seed(image, node, baked_image(image).facts)
        file = f"{made.instance_id}.iso"
        devices = site.machine(machine_name(image, node)).config.hardware.device
        (drive,) = [each for each in devices if isinstance(each, vim.vm.device.VirtualCdrom)]
        assert getattr(drive.backing, "fileName", "").endswith(file) == (after == "iso")
        assert SeedStore(site, login, "quickstart").has(file, len(nocloud.image(made))) == (after == "iso")


def test_each_node_is_connected_to_the_network_although_the_template_is_shared(
    image: Cluster, login: Login, site: Site
) -> None:
    carry_out(deployment([image], Destination(site, login)))
    distributed = replace(site, requested_network="DC0_DVPG0")
    with pytest.raises(UserError, match="with other options"):
        deployment([image], Destination(distributed, login))
    carry_out(deployment([image], Destination(distributed, login), Choice("lb2", replace=True)))
    cards = [
        next(each for each in site.machine(name).config.hardware.device if hasattr(each, "macAddress"))
        for name in ("quickstart-lb1", "quickstart-lb2")
    ]
    assert cards[0].backing.deviceName == "VM Network"
    assert cards[1].backing.port.portgroupKey == distributed.network.key


def test_nodes_are_replaced_one_at_a_time_on_request(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login)))
    untouched = site.machine("quickstart-lb1")
    fake_bake(image)
    todo = deployment([image], Destination(site, login), Choice("lb2", replace=True))
    assert "+ machine quickstart-lb2 removed" in plan_text(todo)
    carry_out(todo)
    assert site.machine("quickstart-lb1") == untouched
    assert carry_out(deployment([image], Destination(site, login), Choice("lb2"))) == 0
    carry_out(deployment([image], Destination(site, login), Choice("lb1", replace=True)))
    assert carry_out(deployment([image], Destination(site, login))) == 0


def test_an_error_about_an_unknown_name_lists_the_known_ones(login: Login, site: Site) -> None:
    assert site.network.name == "VM Network"
    with connected(login) as service:
        with pytest.raises(UserError, match="vCenter has no datastore none") as failure:
            find_site(service, VsphereOptions(login.server, login.user, datastore="none"))
        assert "LocalDS_0" in failure.value.hint
        with pytest.raises(UserError, match="vCenter has 2 networks") as failure:
            find_site(service, VsphereOptions(login.server, login.user)).network  # noqa: B018 - looked up when used
        assert failure.value.hint.endswith("--network: DC0_DVPG0, VM Network"), "a switch's uplinks are no network"


def test_an_error_about_a_wrong_password_does_not_show_it(login: Login) -> None:
    wrong = Login(login.server, login.user, "planted-wrong", insecure=True)
    with pytest.raises(UserError, match="wrong user name or password") as failure, connected(wrong):
        pass
    assert "planted" not in str(failure.value) + repr(wrong)


def test_an_unknown_certificate_is_refused(login: Login) -> None:
    with pytest.raises(UserError, match="certificate verify failed"), connected(Login(login.server, login.user, "x")):
        pass


@pytest.mark.parametrize("transport", ["iso", "guestinfo", "ovf"])
def test_no_plan_log_or_error_contains_a_secret(
    image: Cluster,
    login: Login,
    site: Site,
    *,
    vcenter: Vcenter,
    capfd: pytest.CaptureFixture[str],
    transport: str,
) -> None:
    todo = deployment([image], Destination(site, login, find_transport(transport)))
    carry_out(todo[:4])
    vcenter.end()
    with pytest.raises(UserError) as failure:
        carry_out(todo[4:])
    output = "".join((*capfd.readouterr(), str(failure.value), plan_text(todo), repr(login), repr(todo)))
    secrets = {login.password, *(seed(image, node, baked_image(image).facts).user_data for node in image.nodes)}
    assert [secret for secret in secrets if secret in output] == []
