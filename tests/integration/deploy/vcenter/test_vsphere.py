"""Deploying to a vCenter: made once, found the second time, and what is left after a failure."""

from __future__ import annotations

import base64
import gzip

import pytest
from pyVmomi import vim

from builder.core.errors import UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.hypervisor import Choice, machine_name
from builder.deploy.machine import baked_image
from builder.deploy.vsphere import VsphereOptions
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination, Store, template_name
from builder.deploy.vsphere.session import Login, connected, finish
from builder.deploy.vsphere.site import Site, every, site
from builder.seed.seed import seed
from builder.seed.transports import find_transport, nocloud, ovf
from builder.spec.model import Cluster
from tests.integration.deploy.conftest import bake_stand_in
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("transport", "number"), [("iso", 8), ("guestinfo", 6), ("ovf", 6)])
def test_a_pair_is_made_once_and_found_the_second_time(
    image: Cluster, who: Login, place: Site, transport: str, number: int
) -> None:
    first = deployment([image], Destination(place, who, find_transport(transport)))
    assert carry_out(first) == len(first) == number
    again = deployment([image], Destination(place, who, find_transport(transport)))
    assert carry_out(again) == 0
    assert plan_text(again) == plan_text(first).replace("+ ", "= ")


def test_the_template_has_the_hardware_of_the_descriptor(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who))[:1])
    template = place.machine(template_name(baked_image(image).label))
    assert template.config.template
    kinds = {type(device) for device in template.config.hardware.device}
    assert {vim.vm.device.ParaVirtualSCSIController, vim.vm.device.VirtualVmxnet3} <= kinds
    (disk,) = [each for each in template.config.hardware.device if isinstance(each, vim.vm.device.VirtualDisk)]
    assert disk.backing.datastore is None or disk.backing.datastore == place.datastore


def test_each_node_has_its_own_seed_as_guestinfo_and_runs(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who, find_transport("guestinfo"))))
    for node in image.nodes:
        machine = place.machine(machine_name(image, node))
        values = {option.key: option.value for option in machine.config.extraConfig}
        user_data = gzip.decompress(base64.b64decode(values["guestinfo.userdata"])).decode()
        assert user_data == seed(image, node, baked_image(image).facts).user_data
        assert machine.runtime.powerState == "poweredOn"


def test_each_node_has_its_own_seed_as_vapp_properties_and_runs(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who, find_transport("ovf"))))
    for node in image.nodes:
        machine = place.machine(machine_name(image, node))
        form = machine.config.vAppConfig
        wanted = ovf.properties(seed(image, node, baked_image(image).facts))
        assert {each.id: each.value for each in form.property} == wanted
        assert {each.id for each in form.property if each.userConfigurable and each.label} == set(wanted)
        assert form.ovfEnvironmentTransport == ["com.vmware.guestInfo", "iso"]
        assert machine.runtime.powerState == "poweredOn"


def test_each_node_has_its_own_seed_as_a_cd_that_is_in_from_the_start(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who)))
    for node in image.nodes:
        made = seed(image, node, baked_image(image).facts)
        devices = place.machine(machine_name(image, node)).config.hardware.device
        (drive,) = [each for each in devices if isinstance(each, vim.vm.device.VirtualCdrom)]
        assert drive.backing.fileName == f"[{place.datastore.name}] vipforge-quickstart/{made.instance_id}.iso"
        assert drive.connectable.startConnected
        assert Store(place, who, "quickstart").has(f"{made.instance_id}.iso", len(nocloud.image(made)))


def test_the_nodes_are_kept_on_different_hosts(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who)))
    (rule,) = place.cluster.configurationEx.rule
    assert isinstance(rule, vim.cluster.AntiAffinityRuleSpec)
    assert rule.enabled
    assert {machine.name for machine in rule.vm} == {"quickstart-lb1", "quickstart-lb2"}


def test_a_dry_run_changes_nothing(image: Cluster, who: Login, place: Site) -> None:
    assert "= " not in plan_text(deployment([image], Destination(place, who)))
    assert every(place.content, place.datacenter, vim.VirtualMachine) == []


def test_a_template_that_a_killed_run_left_half_is_made_again(image: Cluster, who: Login, place: Site) -> None:
    name = template_name(baked_image(image).label)
    spec = vim.vm.ConfigSpec(
        name=name, guestId="otherGuest", files=vim.vm.FileInfo(vmPathName=f"[{place.datastore.name}]")
    )
    finish(place.folder.CreateVM_Task(spec, place.pool), "half")
    carry_out(deployment([image], Destination(place, who))[:1])
    assert place.machine(name).config.template


def test_nodes_of_another_image_are_not_changed(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who)))
    with pytest.raises(UserError, match="another spec or image"):
        deployment([bake_stand_in(image)], Destination(place, who))


def test_nodes_are_replaced_one_at_a_time_where_that_is_asked_for(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who)))
    left = place.machine("quickstart-lb1")
    bake_stand_in(image)
    todo = deployment([image], Destination(place, who), Choice("lb2", replace=True))
    assert "+ machine quickstart-lb2 removed" in plan_text(todo)
    carry_out(todo)
    assert place.machine("quickstart-lb1") == left
    assert carry_out(deployment([image], Destination(place, who), Choice("lb2"))) == 0
    carry_out(deployment([image], Destination(place, who), Choice("lb1", replace=True)))
    assert carry_out(deployment([image], Destination(place, who))) == 0


def test_unknown_names_are_told_with_what_there_is(who: Login, place: Site) -> None:
    assert place.network.name == "VM Network"
    with connected(who) as service:
        with pytest.raises(UserError, match="vCenter has no datastore none") as failure:
            site(service, VsphereOptions(who.server, who.user, datastore="none"))
        assert "LocalDS_0" in failure.value.hint
        with pytest.raises(UserError, match="name one with --network"):
            site(service, VsphereOptions(who.server, who.user))


def test_a_wrong_password_is_told_without_it(who: Login) -> None:
    wrong = Login(who.server, who.user, "planted-wrong", insecure=True)
    with pytest.raises(UserError, match="user or password is wrong") as failure, connected(wrong):
        pass
    assert "planted" not in str(failure.value) + repr(wrong)


def test_an_unknown_certificate_is_refused(who: Login) -> None:
    with pytest.raises(UserError, match="certificate verify failed"), connected(Login(who.server, who.user, "x")):
        pass


@pytest.mark.parametrize("transport", ["iso", "guestinfo", "ovf"])
def test_no_plan_log_or_error_holds_a_secret(
    image: Cluster,
    who: Login,
    place: Site,
    *,
    vcenter: Vcenter,
    capfd: pytest.CaptureFixture[str],
    transport: str,
) -> None:
    todo = deployment([image], Destination(place, who, find_transport(transport)))
    carry_out(todo[:4])
    vcenter.end()
    with pytest.raises(UserError) as failure:
        carry_out(todo[4:])
    said = "".join((*capfd.readouterr(), str(failure.value), plan_text(todo), repr(who), repr(todo)))
    secrets = {who.password, *(seed(image, node, baked_image(image).facts).user_data for node in image.nodes)}
    assert [secret for secret in secrets if secret in said] == []
