"""The OVF 1.0 descriptor of an appliance (DMTF DSP0243 1.1.0; DSP8023 is its schema).

The schema wants the elements of a CIM item in alphabetical order. Operators fill in the properties of IDENTITY,
which the guest's program `ovf-properties` reads; cloud-init's OVF data source reads those of SEED. vCenter passes all
of them to the guest as guestinfo and on a CD (`ovf:transport`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from builder.deploy.hypervisor import CPUS, MEMORY_MIB
from builder.guests import all_guests

OVF = "http://schemas.dmtf.org/ovf/envelope/1"
CIM = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
RASD = f"{CIM}/CIM_ResourceAllocationSettingData"
VSSD = f"{CIM}/CIM_VirtualSystemSettingData"
VMW = "http://www.vmware.com/schema/ovf"
STREAM_OPTIMIZED = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
HARDWARE = "vmx-13"
"""ESXi 6.5, the oldest release that verifies a SHA-256 manifest."""
ENVIRONMENT_TRANSPORT = "com.vmware.guestInfo iso"
NETWORK = "cluster"
IDENTITY = (
    ("hostname", "Host name", "The node's full host name, such as lb1.example.com."),
    ("address", "Address", "The node's address and its prefix length, such as 192.0.2.11/24."),
    ("gateway", "Gateway", "The default gateway's address; may be left out."),
    ("peers", "Peers", "The addresses of the other nodes, separated by blanks."),
    ("priority", "Priority", "VRRP priority from 1 to 254, the highest is master; one number per VRRP instance."),
    ("alert-sender", "Alert sender", "The address that the node's e-mails come from, such as lb1@example.com."),
)
SEED = (
    ("instance-id", "Instance ID", "Any word; changing it makes cloud-init apply the seed and the network again."),
    (
        "user-data",
        "User data",
        "cloud-config, base64: the operator's account and more. Values above take precedence.",
    ),
    ("network-config", "Network configuration", "cloud-init's, base64. A different address above takes precedence."),
)
PROPERTIES = MappingProxyType({"Identity of the node": IDENTITY, "Seed, as vipforge writes it": SEED})
"""Key, label and description, by category in vCenter's form; `vipforge seed --transport ovf` writes the values."""

CPU, MEMORY, IDE, SCSI, CARD, CD, DISK = 3, 4, 5, 6, 10, 15, 17
"""CIM_ResourceAllocationSettingData.ResourceType."""
Values = dict[str, str | int]


@dataclass(frozen=True)
class GuestSystem:
    """A guest's DMTF number (CIM_OperatingSystem.OsType), its vSphere identifier, and its title."""

    number: int
    vsphere: str
    title: str


ANY_LINUX = GuestSystem(101, "otherLinux64Guest", "Linux (64-bit)")


@dataclass(frozen=True)
class OvfMachine:
    """An appliance as a descriptor shows it; `file_size` and `capacity` are in bytes, `memory` is in MiB."""

    name: str
    system: GuestSystem
    version: str
    disk_file: str
    file_size: int
    capacity: int
    cpus: int = CPUS
    memory: int = MEMORY_MIB


def descriptor(machine: OvfMachine) -> str:
    """Return the descriptor's XML, which is always the same for the same machine."""
    for prefix, uri in (("ovf", OVF), ("rasd", RASD), ("vssd", VSSD), ("vmw", VMW)):
        register_namespace(prefix, uri)
    envelope = Element(_ovf("Envelope"))
    _references(envelope, machine)
    _networks(envelope)
    _virtual_system(envelope, machine)
    indent(envelope)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(envelope, encoding="unicode") + "\n"


def system(guest: str) -> GuestSystem:
    """Return the system of that guest; a generic Linux if the name is unknown or empty."""
    facts = all_guests().get(guest)
    if facts is None:
        return ANY_LINUX
    return GuestSystem(facts.cim_type, facts.vsphere_type, f"{facts.full_title or facts.title} (64-bit)")


def _references(envelope: Element, machine: OvfMachine) -> None:
    references = SubElement(envelope, _ovf("References"))
    _sub(references, "File", href=machine.disk_file, id="file1", size=machine.file_size)
    disks = _section(envelope, "DiskSection", "The appliance's disk")
    _sub(disks, "Disk", capacity=machine.capacity, diskId="disk1", fileRef="file1", format=STREAM_OPTIMIZED)


def _networks(envelope: Element) -> None:
    network = _sub(_section(envelope, "NetworkSection", "Networks"), "Network", name=NETWORK)
    _sub(network, "Description", "The network that nodes, VIPs and servers share")


def _virtual_system(envelope: Element, machine: OvfMachine) -> None:
    system = _section(envelope, "VirtualSystem", "A load balancer of a pair", id=machine.name)
    _sub(system, "Name", machine.name)
    guest = _section(system, "OperatingSystemSection", "The guest", id=machine.system.number)
    guest.set(f"{{{VMW}}}osType", machine.system.vsphere)
    _sub(guest, "Description", machine.system.title)
    _hardware(system, machine)
    _product(system, machine)


def _hardware(system: Element, machine: OvfMachine) -> None:
    hardware = _section(system, "VirtualHardwareSection", "Virtual hardware", transport=ENVIRONMENT_TRANSPORT)
    settings: Values = {"ElementName": "Virtual hardware", "InstanceID": 0}
    identity: Values = {"VirtualSystemIdentifier": machine.name, "VirtualSystemType": HARDWARE}
    _elements(_sub(hardware, "System"), VSSD, settings | identity)
    for number, item in enumerate(_items(machine), start=1):
        optional = {"required": "false"} if item["ResourceType"] == CD else {}
        _elements(_sub(hardware, "Item", **optional), RASD, item | {"InstanceID": number})


def _items(machine: OvfMachine) -> list[Values]:
    """Return the hardware in the order of its instance IDs: 3 is the CD's controller, 4 is the disk's."""
    return [
        {
            "ElementName": f"{machine.cpus} virtual CPUs",
            "ResourceType": CPU,
            "VirtualQuantity": machine.cpus,
            "AllocationUnits": "hertz * 10^6",
        },
        {
            "ElementName": f"{machine.memory} MiB of memory",
            "ResourceType": MEMORY,
            "VirtualQuantity": machine.memory,
            "AllocationUnits": "byte * 2^20",
        },
        {"ElementName": "IDE controller", "ResourceType": IDE, "Address": 0},
        {"ElementName": "SCSI controller", "ResourceType": SCSI, "ResourceSubType": "VirtualSCSI", "Address": 0},
        {
            "ElementName": "Disk",
            "ResourceType": DISK,
            "HostResource": "ovf:/disk/disk1",
            "Parent": 4,
            "AddressOnParent": 0,
        },
        {
            "ElementName": "CD drive",
            "ResourceType": CD,
            "Parent": 3,
            "AddressOnParent": 0,
            "AutomaticAllocation": "false",
        },
        {
            "ElementName": "Network card",
            "ResourceType": CARD,
            "ResourceSubType": "VmxNet3",
            "Connection": NETWORK,
            "AddressOnParent": 7,
            "AutomaticAllocation": "true",
        },
    ]


def _product(system: Element, machine: OvfMachine) -> None:
    product = _section(system, "ProductSection", "The node's identity; without it the appliance serves nothing")
    _sub(product, "Product", f"vipforge appliance {machine.name}")
    _sub(product, "Version", machine.version)
    for category, entries in PROPERTIES.items():
        _sub(product, "Category", category)
        for key, label, description in entries:
            entry = _sub(product, "Property", key=key, type="string", userConfigurable="true", value="")
            _sub(entry, "Label", label)
            _sub(entry, "Description", description)


def _section(parent: Element, name: str, info: str, /, **attributes: str | int) -> Element:
    section = _sub(parent, name, **attributes)
    _sub(section, "Info", info)
    return section


def _elements(parent: Element, namespace: str, values: Values) -> None:
    for name in sorted(values):
        SubElement(parent, f"{{{namespace}}}{name}").text = str(values[name])


def _sub(parent: Element, name: str, text: str | None = None, /, **attributes: str | int) -> Element:
    element = SubElement(parent, _ovf(name), {_ovf(key): str(value) for key, value in attributes.items()})
    element.text = text
    return element


def _ovf(name: str) -> str:
    return f"{{{OVF}}}{name}"
