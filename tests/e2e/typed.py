"""`vipforge` with the second node's identity typed into vCenter's form: `python typed.py lab up SPEC --transport ovf`.

That node has the operator's account and the secrets in its user-data, but no identity; the form also has its network.
"""

from __future__ import annotations

import base64

import yaml

from builder.__main__ import main
from builder.seed import identity
from builder.seed.transports import Seed, ovf

SECOND = "lb2.example.com"
seed_properties = ovf.properties


def typed(seed: Seed) -> dict[str, str]:
    """Return a node's properties; the first node's are those of its seed."""
    values = seed_properties(seed)
    if values["hostname"] != SECOND:
        return values
    data = yaml.safe_load(seed.user_data)
    data["write_files"] = [file for file in data["write_files"] if file["path"] != identity.IDENTITY]
    text = f"#cloud-config\n{yaml.safe_dump(data)}"
    return {**values, "user-data": base64.b64encode(text.encode()).decode(), "network-config": ""}


if __name__ == "__main__":
    ovf.properties = typed
    main()
