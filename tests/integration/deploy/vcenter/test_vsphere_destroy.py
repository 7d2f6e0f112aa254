"""Removing a cluster from the simulated vCenter: all of it, nothing else, and again after a failure."""

from __future__ import annotations

import shutil

import pytest
from pyVmomi import vim

from builder.core import paths
from builder.core.errors import UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.vsphere import deploy, rule
from builder.deploy.vsphere.deploy import deployment
from builder.deploy.vsphere.node import Destination, Store
from builder.deploy.vsphere.session import Login, finish
from builder.deploy.vsphere.site import Site
from builder.spec.model import Cluster
from tests.integration.deploy.conftest import bake_stand_in
from tests.vcenter import Vcenter

pytestmark = pytest.mark.integration


def names(place: Site) -> list[str]:
    return sorted(found.name for found in place.machines())


def test_nothing_of_a_cluster_stays(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who)))
    carry_out(deploy.removal(image, Destination(place, who)))
    assert names(place) == []
    assert rule.find_rule(place, "vipforge-quickstart") is None
    assert not Store(place, who, "quickstart").exists()
    assert deploy.removal(image, Destination(place, who)) == []


def test_machines_of_former_images_and_kept_ones_go_too(image: Cluster, who: Login, place: Site) -> None:
    carry_out(deployment([image], Destination(place, who)))
    finish(place.machine("quickstart-lb1").Rename_Task("quickstart-lb1-replaced"), "rename")
    bake_stand_in(image)
    shutil.rmtree(paths.build_folder(image.cluster))
    carry_out(deploy.removal(image, Destination(place, who)))
    assert names(place) == []


def test_a_strangers_machine_stays(image: Cluster, who: Login, place: Site) -> None:
    files = vim.vm.FileInfo(vmPathName=f"[{place.datastore.name}]")
    spec = vim.vm.ConfigSpec(name="quickstart-lb1", guestId="otherGuest", files=files)
    finish(place.folder.CreateVM_Task(spec, place.pool), "stranger")
    assert deploy.removal(image, Destination(place, who)) == []


def test_clusters_of_one_image_share_its_template_until_the_last_one_goes(
    image: Cluster, who: Login, place: Site
) -> None:
    branches = [image.model_copy(update={"cluster": f"branch{number}"}) for number in range(3)]
    path = paths.build_folder(image.cluster) / "appliance.qcow2"
    todo = deployment(branches, Destination(place, who), image=path)
    assert plan_text(todo).count("+ template ") == 1, "the image is uploaded once"
    carry_out(todo)
    assert carry_out(deployment(branches, Destination(place, who), image=path)) == 0
    for left in (1, 1, 0):
        carry_out(deploy.removal(branches.pop(), Destination(place, who)))
        assert sum(name.startswith("vipforge-image-") for name in names(place)) == left
    assert names(place) == []


def test_a_removal_that_failed_half_way_goes_on(image: Cluster, vcenter: Vcenter, place: Site) -> None:
    carry_out(deployment([image], Destination(place, vcenter.who)))
    vcenter.fail("Destroy_Task", "deny", "VirtualMachine.Inventory.Delete")
    with pytest.raises(UserError, match=r"lacks the privilege VirtualMachine\.Inventory\.Delete"):
        carry_out(deploy.removal(image, Destination(place, vcenter.who)))
    carry_out(deploy.removal(image, Destination(place, vcenter.who)))
    assert names(place) == []
