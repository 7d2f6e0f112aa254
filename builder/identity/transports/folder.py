"""A seed as the plain files that cloud-init reads, for tools that bring it to the node themselves."""

from __future__ import annotations

from builder.identity.seed import Seed
from builder.identity.transports import Transport

TRANSPORT = Transport(
    name="folder",
    description="a folder with user-data, meta-data and network-config, for other tools",
    carries_secrets=True,
    suffix="",
    files=Seed.files,
)
