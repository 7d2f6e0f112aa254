"""Deploying to a real libvirtd: created once, found the second time, and continued after a failure."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from builder.core.errors import UserError
from builder.core.progress import carry_out, plan_text
from builder.deploy.hypervisor import EVERY_NODE, Choice
from builder.deploy.libvirt import LibvirtOptions, binding
from builder.deploy.libvirt.host import Host
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.deploy.libvirt.node import printout
from builder.deploy.machine import baked_image
from builder.lab.network import macs
from builder.seed.seed import seed
from builder.seed.transports import nocloud
from builder.spec.model import Cluster
from tests.integration.deploy.conftest import fake_bake

pytestmark = pytest.mark.integration
NAMES = ("quickstart-lb1", "quickstart-lb2")


def put(
    cluster: Cluster, uri: str, *, run: bool = False, choice: Choice = EVERY_NODE, **changes: str
) -> tuple[str, int]:
    """Deploy, and with `run` start the nodes; return the plan and how many steps were done."""
    with ExitStack() as stack:
        options = LibvirtOptions(connect=(uri,), **{"bridge": "br0", **changes})
        todo = LibvirtHypervisor(options, stack).deployment([cluster], choice)
        todo = [step for step in todo if run or not step.what.endswith(": running")]
        return plan_text(todo), carry_out(todo)


def test_a_pair_is_created_once_and_found_the_second_time(image: Cluster, host: Host) -> None:
    before, made = put(image, host.uri, run=True)
    assert made == len(before.splitlines()) == 9
    assert all(host.domains.is_running(name) for name in NAMES)
    after, again = put(image, host.uri, run=True)
    assert again == 0
    assert after == before.replace("+ ", "= ")


def test_a_dry_run_changes_nothing(image: Cluster, host: Host) -> None:
    with ExitStack() as stack:
        todo = LibvirtHypervisor(LibvirtOptions((host.uri,), bridge="br0"), stack).deployment([image])
    assert {step.ready for step in todo} == {False}
    assert host.pool.names() == []


def test_the_seed_on_the_hypervisor_has_the_right_size(image: Cluster, host: Host) -> None:
    put(image, host.uri)
    made = [seed(image, node, baked_image(image).facts, known=macs(image, node)) for node in image.nodes]
    for each in made:
        assert host.pool.size(f"quickstart-{each.instance_id}.iso") == len(nocloud.image(each))


def test_after_a_failure_a_second_run_continues(image: Cluster, host: Host) -> None:
    with pytest.raises(UserError) as failure:
        with ExitStack() as stack:
            carry_out(LibvirtHypervisor(LibvirtOptions((host.uri,), bridge="br-none"), stack).deployment([image]))
    assert "quickstart-lb1: running" not in str(failure.value).partition("already there")[2]
    assert "already there" in str(failure.value)
    assert "domain quickstart-lb1" in str(failure.value)
    host.domains.remove("quickstart-lb1")
    _, made = put(image, host.uri)
    assert 0 < made < 7


def test_an_interrupted_upload_is_repeated(image: Cluster, host: Host) -> None:
    base = f"vipforge-{baked_image(image).label}.qcow2"
    host.pool.upload(base, "qcow2", b"half", 8 << 20)
    said, _ = put(image, host.uri)
    assert f"+ qemu:///system: image {base}" in said
    assert host.pool.size(base) == baked_image(image).size


def test_a_foreign_domain_is_left_alone(image: Cluster, host: Host) -> None:
    host.domains.define(
        "<domain type='qemu'><name>quickstart-lb1</name><memory>65536</memory><os><type>hvm</type></os></domain>"
    )
    with pytest.raises(UserError, match="a domain quickstart-lb1 that vipforge did not create"):
        put(image, host.uri)


def test_nodes_of_another_image_are_not_changed(image: Cluster, host: Host) -> None:
    put(image, host.uri)
    with pytest.raises(UserError, match="another spec or image"):
        put(fake_bake(image), host.uri)


def test_a_node_is_replaced_on_request(image: Cluster, host: Host) -> None:
    put(image, host.uri)
    before = host.domains.note("quickstart-lb1"), host.domains.note("quickstart-lb2")
    said, _ = put(fake_bake(image), host.uri, choice=Choice("lb2", replace=True))
    assert "the old domain quickstart-lb2 removed" in said
    assert host.domains.note("quickstart-lb1") == before[0]
    assert host.domains.note("quickstart-lb2") != before[1]


def test_a_missing_pool_is_reported(image: Cluster, host: Host) -> None:
    with pytest.raises(UserError, match="no storage pool with matching name 'none'"):
        put(image, host.uri, pool="none")


def test_the_domains_are_valid_by_libvirts_own_schema(image: Cluster, host: Host) -> None:
    options = LibvirtOptions((host.uri,), bridge="br0")
    printed = printout("xml", image, Path("cluster.yml"), options, choice=Choice("lb1"), image=None)
    domain = printed.replace('type="kvm"', 'type="qemu"')
    with closing(binding().open(host.uri)) as connection:
        connection.defineXMLFlags(domain, binding().VIR_DOMAIN_DEFINE_VALIDATE)
        with pytest.raises(binding().libvirtError, match="extra content: memry"):
            connection.defineXMLFlags(domain.replace("memory", "memry"), binding().VIR_DOMAIN_DEFINE_VALIDATE)


def test_a_serial_port_without_a_source_is_a_pseudo_terminal(host: Host) -> None:
    """The Terraform example relies on it: its provider wants the path that libvirt chooses."""
    system = "<name>bare</name><memory>65536</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>"
    devices = "<devices><serial><target port='0'/></serial></devices>"
    with closing(binding().open(host.uri)) as connection:
        made = connection.defineXML(f"<domain type='qemu'>{system}{devices}</domain>")
        assert "<serial type='pty'>" in made.XMLDesc()
