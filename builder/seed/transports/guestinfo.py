"""A seed as guestinfo variables of a VMware machine (cloud-init's documentation, "VMware").

The metadata is JSON: the data source for CentOS 7 parses no YAML there (cloud-init-vmware-guestinfo#41). Anyone who
may view the machine in vCenter can read these variables, and so can every process in the guest.
"""

from __future__ import annotations

import base64
import gzip
import json

import yaml

from builder.seed.transports import Seed, Transport, VmwareSettings

ENCODING = "gzip+base64"


def variables(seed: Seed) -> dict[str, str]:
    """The keys and values of the machine's extra configuration; the same seed always gives the same values."""
    metadata = yaml.safe_load(seed.meta_data) | {"network": yaml.safe_load(seed.network_config)}
    return {
        "guestinfo.metadata": _packed(json.dumps(metadata, sort_keys=True)),
        "guestinfo.metadata.encoding": ENCODING,
        "guestinfo.userdata": _packed(seed.user_data),
        "guestinfo.userdata.encoding": ENCODING,
    }


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _file(seed: Seed) -> str:
    return json.dumps(variables(seed), indent=2) + "\n"


def _settings(seed: Seed) -> VmwareSettings:
    return VmwareSettings(variables=variables(seed))


TRANSPORT = Transport(
    name="guestinfo",
    description="variables of a VMware machine, for cloud-init's data source VMware",
    carries_secrets=False,
    suffix=".guestinfo.json",
    files=_file,
    settings=_settings,
    needs="open-vm-tools and cloud-init 21.3 or later",
)

TRANSPORTS = (TRANSPORT,)
