"""A seed as OVF properties, and as the CD on which vCenter passes them to a guest (DSP0243, sections 9.5 and 11.2).

cloud-init reads some of the properties. The others are for users who fill in vCenter's form, and for the guest's
program `ovf-properties`, which lets them override the user-data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

import yaml

from builder.core.quoting import yaml_text
from builder.seed.network import ANYWHERE
from builder.seed.transports import Content, Seed, Transport, VmwareSettings, base64_text, cd_image

NAMESPACE = "http://schemas.dmtf.org/ovf/environment/1"
LABEL = "OVF ENV"
FILE = "ovf-env.xml"


def properties(seed: Seed) -> dict[str, str]:
    """The values of the descriptor's properties by key; the gateway is empty if there is none."""
    identity, network = seed.identity, yaml.safe_load(seed.network_config)
    return {
        "hostname": identity["NODE_NAME"],
        "address": f"{identity['ADDRESS']}/{identity['PREFIX']}",
        "gateway": _gateway(network),
        "peers": identity["PEERS"],
        "priority": identity["PRIORITY"],
        "alert-sender": identity["ALERT_SENDER"],
        "instance-id": seed.instance_id,
        "user-data": base64_text(seed.user_data),
        "network-config": base64_text(yaml_text({"network": network})),
    }


def _gateway(network: Mapping[str, Mapping[str, Mapping[str, list[dict[str, str]]]]]) -> str:
    routes = (route for card in network["ethernets"].values() for route in card.get("routes", []))
    return next((route["via"] for route in routes if route["to"] == ANYWHERE), "")


def ovf_environment(values: Mapping[str, str]) -> str:
    """The OVF environment document, which a guest reads from the CD or as guestinfo."""
    register_namespace("oe", NAMESPACE)
    root = Element(_name("Environment"), {_name("id"): ""})
    section = SubElement(root, _name("PropertySection"))
    for key, value in values.items():
        SubElement(section, _name("Property"), {_name("key"): key, _name("value"): value})
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def image(seed: Seed) -> bytes:
    """The image of the CD that carries the properties."""
    return cd_image(LABEL, {FILE: ovf_environment(properties(seed))})


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _files(seed: Seed) -> dict[str, Content]:
    """The properties' values, and the CD that carries them."""
    return {"properties.json": json.dumps(properties(seed), indent=2) + "\n", "transport.iso": image(seed)}


def _settings(seed: Seed) -> VmwareSettings:
    return VmwareSettings(properties=properties(seed))


TRANSPORT = Transport(
    name="ovf",
    description="OVF properties of a VMware machine, or the CD on which vCenter passes them",
    carries_secrets=False,
    suffix=".ovf",
    files=_files,
    image=image,
    settings=_settings,
    needs="open-vm-tools where no CD is attached",
)

TRANSPORTS = (TRANSPORT,)
