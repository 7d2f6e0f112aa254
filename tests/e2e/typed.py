"""`vipforge` with the second node's identity typed into vCenter's form: `python typed.py lab up SPEC --transport ovf`.

Its user-data has the operator's account and the secrets, and no identity; its network comes from the form as well.
"""

from __future__ import annotations

import base64

import yaml

from builder.__main__ import main
from builder.seed import identity
from builder.seed.transports import Seed, ovf

SECOND = "lb2.example.com"
given = ovf.properties


def typed(seed: Seed) -> dict[str, str]:
    """The properties: the first node's as its seed has them."""
    values = given(seed)
    if values["hostname"] != SECOND:
        return values
    data = yaml.safe_load(seed.user_data)
    data["write_files"] = [file for file in data["write_files"] if file["path"] != identity.IDENTITY]
    text = f"#cloud-config\n{yaml.safe_dump(data)}"
    return {**values, "user-data": base64.b64encode(text.encode()).decode(), "network-config": ""}


if __name__ == "__main__":
    ovf.properties = typed
    main()
