"""The guest's program that applies a seed's CD, run in a real root with fakes of netplan and of a CD drive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import yaml

from builder.core.quoting import yaml_text
from builder.core.run import Completed
from builder.guests import all_guests
from builder.lab.netns import NetnsNode
from builder.seed.seed import seed
from builder.seed.transports import Seed, nocloud, ovf

pytestmark = pytest.mark.integration

FACTS = all_guests()["debian12"]
IDENTITY, NETPLAN = "/etc/vipforge/identity", FACTS.network_file
TYPED = "/etc/cloud/cloud.cfg.d/95-vipforge-network.cfg"
SEEDED, APPLIED, GENERATED, PLACE = (
    *("/run/vipforge/seeded", "/etc/vipforge/instance-id"),
    *("/run/generated", "/run/vipforge/cd"),
)
CD, ENABLED, STARTED = "/run/cd", "/run/cloud-init/enabled", "/run/started"
FAKES = {
    "/usr/local/sbin/blkid": f"[ -e {CD}/meta-data ] && echo /dev/sr0",
    "/usr/local/sbin/mount": f'[ "$3 $4" = "/dev/sr0 {PLACE}" ] && cp -R {CD}/. {PLACE}/',
    "/usr/local/sbin/umount": f"rm -f {PLACE}/*",
    "/usr/local/sbin/udevadm": ":",
    "/usr/local/sbin/systemctl": f'echo "$*" >{STARTED}',
    "/usr/libexec/netplan/generate": f"cat {NETPLAN} >>{GENERATED}",
    "/lib/systemd/system-generators/cloud-init-generator": f"[ ! -e {CD}/meta-data ] || : >{ENABLED}",
}


@pytest.fixture(scope="module")
def machine(start_pair: Callable) -> Iterator[NetnsNode]:
    with start_pair("standard") as pair:
        node = pair.nodes[0]
        for path, does in FAKES.items():
            program = node.path(path)
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\n{does}\n")
            program.chmod(0o755)
        for folder in (CD, "/etc/netplan", "/etc/cloud/cloud.cfg.d", "/run/cloud-init"):
            node.path(folder).mkdir(parents=True, exist_ok=True)
        yield node


@pytest.fixture
def node(machine: NetnsNode) -> NetnsNode:
    """A machine that has never had a seed, and has no CD."""
    for path in (IDENTITY, NETPLAN, SEEDED, APPLIED, GENERATED, TYPED, ENABLED, STARTED, f"{CD}/meta-data"):
        machine.path(path).unlink(missing_ok=True)
    return machine


def insert(node: NetnsNode, seed: Seed) -> None:
    """Insert the seed's CD."""
    for name, content in {**seed.files(), nocloud.ARCHIVE: nocloud.archive(seed.direct)}.items():
        data = content if isinstance(content, bytes) else content.encode()
        node.path(f"{CD}/{name}").write_bytes(data)


def boot(node: NetnsNode) -> Completed:
    """Do what the unit does after power-on."""
    for path in (SEEDED, ENABLED, STARTED):
        node.path(path).unlink(missing_ok=True)
    return node.run("/usr/libexec/vipforge/seed", check=False)


def left_to_cloud_init(node: NetnsNode) -> bool:
    """Return whether the program has started cloud-init instead of marking the node as seeded."""
    started = node.path(STARTED).exists() and node.path(STARTED).read_text() == "--no-block start cloud-init.target\n"
    assert started != node.path(SEEDED).exists()
    return started


def seed_of(node: NetnsNode) -> Seed:
    return seed(node.cluster, node.spec, FACTS)


def test_a_seed_brings_the_identity_and_the_network(node: NetnsNode) -> None:
    node_seed = seed_of(node)
    insert(node, node_seed)
    done = boot(node)
    assert (done.code, node_seed.instance_id in done.out) == (0, True), done.err
    for path, file in node_seed.direct.items():
        assert node.path(path).read_text() == file.content
        assert node.path(path).stat().st_mode & 0o777 == 0o600
    assert node.path(GENERATED).read_text() == node.path(NETPLAN).read_text()
    assert not left_to_cloud_init(node)
    assert node.path(IDENTITY).parent.stat().st_mode & 0o777 == 0o755


def test_the_identity_program_accepts_the_seeds_identity(node: NetnsNode) -> None:
    insert(node, seed_of(node))
    boot(node)
    node.identify()
    assert str(node.spec.address) in node.path("/etc/hosts").read_text()


def test_the_same_seed_is_applied_once(node: NetnsNode) -> None:
    insert(node, seed_of(node))
    boot(node)
    node.path(IDENTITY).write_text("edited by hand\n")
    assert boot(node).code == 0
    assert node.path(IDENTITY).read_text() == "edited by hand\n"
    assert not left_to_cloud_init(node)


@pytest.mark.parametrize("instance_id", ["other-1", "1e3-other"])
def test_a_new_seed_is_applied(node: NetnsNode, instance_id: str) -> None:
    node_seed = seed_of(node)
    insert(node, node_seed)
    boot(node)
    meta_data = yaml_text({**yaml.safe_load(node_seed.meta_data), "instance-id": instance_id})
    insert(node, replace(node_seed, meta_data=meta_data))
    node.path(IDENTITY).write_text("of the old seed\n")
    assert f"applied the seed {instance_id}\n" in boot(node).out
    assert node.path(IDENTITY).read_text() == node_seed.direct[IDENTITY].content


def test_a_cd_without_the_archive_is_left_to_cloud_init(node: NetnsNode) -> None:
    insert(node, seed_of(node))
    node.path(f"{CD}/{nocloud.ARCHIVE}").unlink()
    assert boot(node).code == 0
    assert left_to_cloud_init(node)
    assert not node.path(IDENTITY).exists()


def test_without_any_seed_cloud_init_is_not_started(node: NetnsNode) -> None:
    assert boot(node).code == 0
    assert not node.path(STARTED).exists()
    assert not node.path(SEEDED).exists()


def test_a_typed_network_is_left_to_cloud_init(node: NetnsNode) -> None:
    insert(node, seed_of(node))
    node.path(TYPED).write_text("network: {}\n")
    assert boot(node).code == 0
    assert left_to_cloud_init(node)


def test_on_vmware_typed_properties_are_read_first(node: NetnsNode) -> None:
    insert(node, seed_of(node))
    node.path("/usr/local/sbin/systemd-detect-virt").write_text("#!/bin/sh\necho vmware\n")
    node.path("/usr/local/sbin/vmware-rpctool").write_text("#!/bin/sh\ncat /run/ovf-env.xml\n")
    node.run("chmod", "0755", "/usr/local/sbin/systemd-detect-virt", "/usr/local/sbin/vmware-rpctool")
    node.path("/run/ovf-env.xml").write_text(ovf.ovf_environment(ovf.properties(seed_of(node))))
    node.run("/bin/mount", "-t", "tmpfs", "tmpfs", "/sys/class")
    try:
        node.run("mkdir", "-p", "/sys/class/dmi/id")
        node.path("/sys/class/dmi/id/sys_vendor").write_text("VMware, Inc.\n")
        assert boot(node).code == 0
    finally:
        node.run("/bin/umount", "/sys/class")
    assert node.path(TYPED).exists()
    assert left_to_cloud_init(node)


def test_a_damaged_archive_is_reported_and_left_to_cloud_init(node: NetnsNode) -> None:
    insert(node, seed_of(node))
    whole = node.path(f"{CD}/{nocloud.ARCHIVE}").read_bytes()
    node.path(f"{CD}/{nocloud.ARCHIVE}").write_bytes(whole[:700])
    done = boot(node)
    assert done.code != 0
    assert "tar" in done.err
    assert left_to_cloud_init(node)
    assert not node.path(APPLIED).exists()
    assert not list(node.path(PLACE).iterdir())
