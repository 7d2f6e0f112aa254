"""A hypervisor for tests: each machine is a file in a folder and contains the label of its image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from builder.deploy import Description, option


@dataclass(frozen=True)
class PaperOptions:
    """One option of each type."""

    paper_folder: Path = field(metadata=option("The folder of the machines."))
    ink: Literal["blue", "black"] = field(default="blue", metadata=option("The colour.", "deploy", "upgrade"))
    stamp: Sequence[str] = field(default=(), metadata=option("A word; repeat it.", "deploy"))
    recycled: bool = field(default=False, metadata=option("Whether the paper is recycled.", "deploy"))
    print: bool = field(default=False, metadata=option("Print the options, and deploy nothing.", "deploy"))


DESCRIPTION = Description(options=PaperOptions, deploy="Write the nodes down.", destroy="Shred the nodes.")
