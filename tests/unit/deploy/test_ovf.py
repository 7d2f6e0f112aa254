"""The OVF descriptor: a golden file, and the rules that importers enforce."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from builder.deploy.ovf import OVF, RASD, VMW, OvfMachine, descriptor, system
from builder.guests import all_guests
from tests.golden import assert_golden

NAMES = {"ovf": OVF, "rasd": RASD}
MACHINE = OvfMachine("quickstart", system("debian12"), "3dd0695df4ce69d4", "appliance-disk1.vmdk", 123456, 4 << 30)


def envelope(machine: OvfMachine = MACHINE) -> ET.Element:
    return ET.fromstring(descriptor(machine))


def items(kind: int) -> list[ET.Element]:
    return [
        item
        for item in envelope().iter(f"{{{OVF}}}Item")
        if item.findtext("rasd:ResourceType", "", NAMES) == str(kind)
    ]


def test_the_whole_descriptor() -> None:
    assert_golden("deploy/appliance.ovf", descriptor(MACHINE))


def test_the_sections_are_in_the_order_of_the_schema() -> None:
    names = [part.tag.removeprefix(f"{{{OVF}}}") for part in envelope()]
    assert names == ["References", "DiskSection", "NetworkSection", "VirtualSystem"]
    system = envelope().find("ovf:VirtualSystem", NAMES)
    assert system is not None
    names = [part.tag.removeprefix(f"{{{OVF}}}") for part in system]
    assert names == ["Info", "Name", "OperatingSystemSection", "VirtualHardwareSection", "ProductSection"]


def test_every_reference_has_its_target() -> None:
    root = envelope()
    (file,), (disk,) = root.findall(".//ovf:File", NAMES), root.findall(".//ovf:Disk", NAMES)
    assert disk.get(f"{{{OVF}}}fileRef") == file.get(f"{{{OVF}}}id")
    (drive,) = items(17)
    assert drive.findtext("rasd:HostResource", "", NAMES) == f"ovf:/disk/{disk.get(f'{{{OVF}}}diskId')}"
    (card,) = items(10)
    networks = [network.get(f"{{{OVF}}}name") for network in root.findall(".//ovf:Network", NAMES)]
    assert [card.findtext("rasd:Connection", "", NAMES)] == networks


def test_disk_and_cd_are_attached_to_their_controllers() -> None:
    for device, controller in ((17, 6), (15, 5)):
        parent = items(device)[0].findtext("rasd:Parent", "", NAMES)
        assert parent == items(controller)[0].findtext("rasd:InstanceID", "", NAMES)


def test_the_elements_of_each_item_are_in_alphabetical_order_as_ovf_1_0_requires() -> None:
    for item in envelope().iter(f"{{{OVF}}}Item"):
        names = [part.tag for part in item]
        assert names == sorted(names)


def test_the_paravirtual_controller_and_card() -> None:
    assert items(6)[0].findtext("rasd:ResourceSubType", "", NAMES) == "VirtualSCSI"
    assert items(10)[0].findtext("rasd:ResourceSubType", "", NAMES) == "VmxNet3"


def test_the_properties_are_the_identity_and_what_cloud_init_reads() -> None:
    keys = [each.get(f"{{{OVF}}}key") for each in envelope().iter(f"{{{OVF}}}Property")]
    identity = ["hostname", "address", "gateway", "peers", "priority", "alert-sender"]
    assert keys == [*identity, "instance-id", "user-data", "network-config"]


def test_no_property_has_a_value_in_the_image() -> None:
    assert {each.get(f"{{{OVF}}}value") for each in envelope().iter(f"{{{OVF}}}Property")} == {""}


SYSTEMS = {
    "alma9": ("101", "almalinux_64Guest", "AlmaLinux 9 (64-bit)"),
    "centos7": ("107", "centos7_64Guest", "CentOS 7 (64-bit)"),
    "debian12": ("96", "debian10_64Guest", "Debian GNU/Linux 12 (64-bit)"),
    "rocky9": ("101", "rockylinux_64Guest", "Rocky Linux 9 (64-bit)"),
    "": ("101", "otherLinux64Guest", "Linux (64-bit)"),
}
"""By guest (empty if the image does not say): the section's ID, vSphere's identifier, and the title."""


@pytest.mark.parametrize("guest", [*all_guests(), ""])
def test_the_descriptor_names_the_guest(guest: str) -> None:
    section = envelope(replace(MACHINE, system=system(guest))).find(".//ovf:OperatingSystemSection", NAMES)
    assert section is not None
    identifiers = (section.get(f"{{{OVF}}}id"), section.get(f"{{{VMW}}}osType"))
    assert (*identifiers, section.findtext("ovf:Description", "", NAMES)) == SYSTEMS[guest]
