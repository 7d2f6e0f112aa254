"""The provision steps of the RPM family on different bases: a vendor's image, an installation, a site's template."""

from __future__ import annotations

import pytest

from tests.integration.standin import DISK, StandIn
from tests.integration.test_provision_rpm import bake

pytestmark = pytest.mark.integration


def test_a_disk_without_discards_is_not_trimmed(root: StandIn) -> None:
    """fstrim would fail on virtio-blk before Linux 5.0, and on a datastore without thin provisioning."""
    bake(root, "centos7", until="common/95-trim.sh")
    root.write(f"{DISK}/queue/discard_max_bytes", "0\n")
    root.calls()
    done = root.run("common/95-trim.sh")
    assert (done.returncode, root.calls()) == (0, ["mountpoint --fs-devno /"])
    assert "the disk takes no free blocks back" in done.stdout


def test_the_default_zone_is_not_set_twice(root: StandIn) -> None:
    """firewall-offline-cmd 0.6.3 would fail; a template may have been baked before."""
    root.write("/fake/zone", "vipforge\n")
    bake(root, "centos7", until="rpm/42-sshd.sh")
    assert not [call for call in root.calls() if "--set-default-zone" in call]


def test_services_that_fail_at_every_boot_are_disabled(root: StandIn) -> None:
    """kdump fails without reserved memory, and the kernel command line reserves none."""
    bake(root, "centos7")
    assert "crashkernel" not in root.read("/etc/default/grub")
    assert "systemctl disable kdump.service" in root.calls()


@pytest.mark.parametrize("efi", [(), ("/boot/efi/EFI/centos/grub.cfg",)])
def test_the_boot_loaders_configuration_is_written_where_it_is_read(root: StandIn, efi: tuple[str, ...]) -> None:
    """A site's template may boot by EFI, whose boot loader reads another file."""
    for path in efi:
        root.write(path, "set timeout=5\n")
    bake(root, "centos7", until="centos7/25-network.sh")
    written = [call for call in root.calls() if call.startswith("grub2-mkconfig")]
    assert written == [f"grub2-mkconfig --output={path}" for path in ("/boot/grub2/grub.cfg", *efi)]
