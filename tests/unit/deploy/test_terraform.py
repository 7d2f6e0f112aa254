"""The Terraform examples beside the deployments: both make the same nodes."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples" / "terraform"


def test_the_example_for_libvirt_makes_the_nodes_that_a_deployment_makes() -> None:
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
    assert "user-data" not in words, "what a state holds is no secret any more"


def test_the_example_for_vsphere_makes_the_nodes_that_a_deployment_makes() -> None:
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
