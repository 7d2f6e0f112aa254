"""A vCenter that refuses, fills up or goes away half-way: what people are told, and a second run that goes on."""

from __future__ import annotations

import pytest
from pyVmomi import vim

from builder.core.errors import UserError
from builder.core.progress import carry_out
from builder.deploy.machine import baked_image
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination, template_name
from builder.deploy.vsphere.session import RIGHTS, ROOM, Login, finish
from builder.deploy.vsphere.site import Site
from builder.spec.model import Cluster
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration

ALL_STEPS = 8


def failed(image: Cluster, who: Login, place: Site) -> UserError:
    with pytest.raises(UserError) as failure:
        carry_out(deployment([image], Destination(place, who)))
    return failure.value


def test_no_space_half_way_says_what_is_there_and_a_second_run_goes_on(
    image: Cluster, vcenter: Vcenter, place: Site
) -> None:
    vcenter.fail("CloneVM_Task", "full")
    told = failed(image, vcenter.who, place)
    assert "machine quickstart-lb1: " in told.message
    assert "NoDiskSpace" in told.message
    assert f"there by now:\n    template {template_name(baked_image(image).label)}\n    seed " in told.message
    assert "machine quickstart-lb2" not in told.message
    assert told.hint == ROOM
    assert carry_out(deployment([image], Destination(place, vcenter.who))) == 5
    assert carry_out(deployment([image], Destination(place, vcenter.who))) == 0


@pytest.mark.parametrize(
    ("method", "privilege", "left"),
    [
        ("CreateImportSpec", "VApp.Import", 8),
        ("ImportVApp", "VApp.Import", 8),
        ("MarkAsTemplate", "VirtualMachine.Provisioning.MarkAsTemplate", 8),
        ("MakeDirectory", "Datastore.FileManagement", 7),
        ("CloneVM_Task", "VirtualMachine.Provisioning.DeployTemplate", 5),
        ("ReconfigureComputeResource_Task", "Host.Inventory.EditCluster", 3),
        ("PowerOnVM_Task", "VirtualMachine.Interact.PowerOn", 2),
    ],
)
def test_a_privilege_that_is_lacking_is_named(
    image: Cluster, vcenter: Vcenter, place: Site, *, method: str, privilege: str, left: int
) -> None:
    vcenter.fail(method, "deny", privilege)
    told = failed(image, vcenter.who, place)
    assert f"the user lacks the privilege {privilege}" in told.message
    assert told.hint == RIGHTS
    assert ("there by now:" in told.message) == (left < ALL_STEPS)
    assert carry_out(deployment([image], Destination(place, vcenter.who))) == left


@pytest.mark.parametrize(("kind", "words"), [("deny", "may not write there"), ("full", "no space is left")])
@pytest.mark.parametrize(("where", "left"), [("nfc", 8), ("folder", 7)])
def test_a_refused_upload_is_told_and_made_again(
    image: Cluster, vcenter: Vcenter, place: Site, *, kind: str, words: str, where: str, left: int
) -> None:
    vcenter.fail(where, kind)
    assert words in failed(image, vcenter.who, place).message
    assert carry_out(deployment([image], Destination(place, vcenter.who))) == left


@pytest.mark.parametrize(
    ("where", "left"), [("nfc", 8), ("folder", 7), ("HttpNfcLeaseComplete", 8), ("CloneVM_Task", 5)]
)
def test_a_connection_that_breaks_half_way_is_told_and_a_second_run_goes_on(
    image: Cluster, vcenter: Vcenter, place: Site, *, where: str, left: int
) -> None:
    vcenter.fail(where, "cut")
    told = failed(image, vcenter.who, place)
    assert "the connection failed" in told.message
    assert "run the same command again" in told.hint
    assert carry_out(deployment([image], Destination(place, vcenter.who))) == left
    assert carry_out(deployment([image], Destination(place, vcenter.who))) == 0


def test_a_vcenter_that_goes_away_is_told(image: Cluster, vcenter: Vcenter, place: Site) -> None:
    todo = deployment([image], Destination(place, vcenter.who))
    vcenter.end()
    with pytest.raises(UserError, match="the connection failed"):
        carry_out(todo)


def test_a_machine_of_somebody_else_is_left_alone(image: Cluster, who: Login, place: Site) -> None:
    spec = vim.vm.ConfigSpec(
        name="quickstart-lb2", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName=f"[{place.datastore.name}]")
    )
    finish(place.folder.CreateVM_Task(spec, place.pool), "foreign")
    with pytest.raises(UserError, match="a machine quickstart-lb2 that vipforge did not make for quickstart"):
        deployment([image], Destination(place, who))
    assert [found.name for found in place.machines()] == ["quickstart-lb2"]
