"""The Terraform examples create the same nodes as a deployment."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples" / "terraform"


def test_the_libvirt_example_creates_the_nodes_of_a_deployment() -> None:
    text = (EXAMPLES / "libvirt" / "main.tf").read_text()
    words = " ".join(text.split())
    domain = (Path(__file__).parents[2] / "golden" / "deploy" / "domain.xml").read_text()
    assert 'machine="pc"' in domain
    assert 'type_machine = "pc"' in words
    assert '<target dev="hda" bus="ide" />' in domain
    assert 'target = { dev = "hda", bus = "ide" }' in words
    assert '<memory unit="MiB">1024</memory>' in domain
    assert 'memory = 1024 memory_unit = "MiB"' in words
    assert 'permissions = { mode = "0600" }' in words
    assert '<serial type="pty" />' in domain
    assert "serials = [{ target = { port = 0 } }]" in words, (
        "the provider's pty requires a path, which libvirt chooses"
    )
    assert "user-data" not in words, "a secret must not get into Terraform's state"


def test_the_vsphere_example_creates_the_nodes_of_a_deployment() -> None:
    words = " ".join((EXAMPLES / "vsphere" / "main.tf").read_text().split())
    descriptor = (Path(__file__).parents[2] / "golden" / "deploy" / "appliance.ovf").read_text()
    assert "1024 MiB of memory" in descriptor
    assert "memory = 1024" in words
    assert "<rasd:ResourceSubType>VmxNet3<" in descriptor
    assert 'adapter_type = "vmxnet3"' in words
    assert "<rasd:ResourceSubType>VirtualSCSI<" in descriptor
    assert 'scsi_type = "pvscsi"' in words
    assert 'vmw:osType="debian10_64Guest"' in descriptor
    assert '"debian10_64Guest"' in words
    assert 'jsondecode(file("${var.build}/seeds/${each.value}.guestinfo.json"))' in words
    assert "vsphere_compute_cluster_vm_anti_affinity_rule" in words
