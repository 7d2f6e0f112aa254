"""A vCenter that refuses a request, runs full or disappears: the error says so, and a second run continues."""

from __future__ import annotations

import pytest
from pyVmomi import vim

from builder.core.errors import UserError
from builder.core.progress import carry_out
from builder.deploy.machine import baked_image
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination, template_name
from builder.deploy.vsphere.session import PRIVILEGES_HINT, SPACE_HINT, Login, finish
from builder.deploy.vsphere.site import Site
from builder.spec.model import Cluster
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration

ALL_STEPS = 8


def failed(image: Cluster, login: Login, site: Site) -> UserError:
    with pytest.raises(UserError) as failure:
        carry_out(deployment([image], Destination(site, login)))
    return failure.value


def test_after_a_full_datastore_a_second_run_continues(image: Cluster, vcenter: Vcenter, site: Site) -> None:
    vcenter.fail("CloneVM_Task", "full")
    error = failed(image, vcenter.login, site)
    assert "machine quickstart-lb1: " in error.message
    assert "NoDiskSpace" in error.message
    assert f"already there:\n    template {template_name(baked_image(image).label)}\n    seed " in error.message
    assert "machine quickstart-lb2" not in error.message
    assert error.hint == SPACE_HINT
    assert carry_out(deployment([image], Destination(site, vcenter.login))) == 5
    assert carry_out(deployment([image], Destination(site, vcenter.login))) == 0


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
def test_a_missing_privilege_is_named(
    image: Cluster, vcenter: Vcenter, site: Site, *, method: str, privilege: str, left: int
) -> None:
    vcenter.fail(method, "deny", privilege)
    error = failed(image, vcenter.login, site)
    assert f"the user lacks the privilege {privilege}" in error.message
    assert error.hint == PRIVILEGES_HINT
    assert ("already there:" in error.message) == (left < ALL_STEPS)
    assert carry_out(deployment([image], Destination(site, vcenter.login))) == left


@pytest.mark.parametrize(("kind", "words"), [("deny", "may not write there"), ("full", "no space is left")])
@pytest.mark.parametrize(("where", "left"), [("nfc", 8), ("folder", 7)])
def test_a_refused_upload_is_reported_and_repeated(
    image: Cluster, vcenter: Vcenter, site: Site, *, kind: str, words: str, where: str, left: int
) -> None:
    vcenter.fail(where, kind)
    assert words in failed(image, vcenter.login, site).message
    assert carry_out(deployment([image], Destination(site, vcenter.login))) == left


@pytest.mark.parametrize(
    ("where", "left"), [("nfc", 8), ("folder", 7), ("HttpNfcLeaseComplete", 8), ("CloneVM_Task", 5)]
)
def test_after_a_broken_connection_a_second_run_continues(
    image: Cluster, vcenter: Vcenter, site: Site, *, where: str, left: int
) -> None:
    vcenter.fail(where, "cut")
    error = failed(image, vcenter.login, site)
    assert "the connection failed" in error.message
    assert "run the same command again" in error.hint
    assert carry_out(deployment([image], Destination(site, vcenter.login))) == left
    assert carry_out(deployment([image], Destination(site, vcenter.login))) == 0


def test_a_vcenter_that_disappears_is_reported(image: Cluster, vcenter: Vcenter, site: Site) -> None:
    todo = deployment([image], Destination(site, vcenter.login))
    vcenter.end()
    with pytest.raises(UserError, match="the connection failed"):
        carry_out(todo)


def test_a_foreign_machine_is_left_alone(image: Cluster, login: Login, site: Site) -> None:
    spec = vim.vm.ConfigSpec(
        name="quickstart-lb2", guestId="otherGuest", files=vim.vm.FileInfo(vmPathName=f"[{site.datastore.name}]")
    )
    finish(site.folder.CreateVM_Task(spec, site.pool), "foreign")
    with pytest.raises(UserError, match="a machine quickstart-lb2 that vipforge did not create for quickstart"):
        deployment([image], Destination(site, login))
    assert [found.name for found in site.machines()] == ["quickstart-lb2"]
