"""Removing a cluster from the simulated vCenter: all of it, nothing else, and continued after a failure."""

from __future__ import annotations

import shutil

import pytest
from pyVmomi import vim

from builder.core import paths
from builder.core.errors import UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.vsphere import deploy, rule
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination, SeedStore
from builder.deploy.vsphere.session import Login, finish
from builder.deploy.vsphere.site import Site
from builder.spec.model import Cluster
from tests.integration.deploy.conftest import fake_bake
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration


def names(site: Site) -> list[str]:
    return sorted(found.name for found in site.machines())


def test_a_removal_leaves_nothing_of_the_cluster(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login)))
    carry_out(deploy.removal(image, Destination(site, login)))
    assert names(site) == []
    assert rule.find_rule(site, "vipforge-quickstart") is None
    assert not SeedStore(site, login, "quickstart").exists()
    assert deploy.removal(image, Destination(site, login)) == []


def test_kept_machines_and_machines_of_former_images_are_removed_too(image: Cluster, login: Login, site: Site) -> None:
    carry_out(deployment([image], Destination(site, login)))
    finish(site.machine("quickstart-lb1").Rename_Task("quickstart-lb1-replaced"), "rename")
    fake_bake(image)
    shutil.rmtree(paths.build_folder(image.cluster))
    carry_out(deploy.removal(image, Destination(site, login)))
    assert names(site) == []


def test_a_foreign_machine_stays(image: Cluster, login: Login, site: Site) -> None:
    files = vim.vm.FileInfo(vmPathName=f"[{site.datastore.name}]")
    spec = vim.vm.ConfigSpec(name="quickstart-lb1", guestId="otherGuest", files=files)
    finish(site.folder.CreateVM_Task(spec, site.pool), "foreign")
    assert deploy.removal(image, Destination(site, login)) == []


def test_clusters_with_one_image_share_its_template_until_the_last_one_is_removed(
    image: Cluster, login: Login, site: Site
) -> None:
    branches = [image.model_copy(update={"cluster": f"branch{number}"}) for number in range(3)]
    path = paths.build_folder(image.cluster) / "appliance.qcow2"
    todo = deployment(branches, Destination(site, login), image=path)
    assert plan_text(todo).count("+ template ") == 1, "the image is uploaded once"
    carry_out(todo)
    assert carry_out(deployment(branches, Destination(site, login), image=path)) == 0
    for left in (1, 1, 0):
        carry_out(deploy.removal(branches.pop(), Destination(site, login)))
        assert sum(name.startswith("vipforge-image-") for name in names(site)) == left
    assert names(site) == []


def test_a_failed_removal_continues(image: Cluster, vcenter: Vcenter, site: Site) -> None:
    carry_out(deployment([image], Destination(site, vcenter.login)))
    vcenter.fail("Destroy_Task", "deny", "VirtualMachine.Inventory.Delete")
    with pytest.raises(UserError, match=r"lacks the privilege VirtualMachine\.Inventory\.Delete"):
        carry_out(deploy.removal(image, Destination(site, vcenter.login)))
    carry_out(deploy.removal(image, Destination(site, vcenter.login)))
    assert names(site) == []
