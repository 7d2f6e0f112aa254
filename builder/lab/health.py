"""Whether a stand-in is to answer well: told by files in the lab's folder, which tests and scenarios change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder.lab.farm import DOWN, ILL, StandIn


@dataclass(frozen=True)
class Health:
    """The health of the farm in a lab's folder."""

    folder: Path

    def ill(self, server: StandIn, path: str = "") -> str:
        """How a server, or what it has at a path, is to fail now (farm.DOWN says how); empty while it is well."""
        if (self.folder / ILL).exists():
            return "fails"
        try:
            lines = (self.folder / DOWN).read_text().lower().split()
        except FileNotFoundError:
            return ""
        own = f"{server.name}:{server.port}{path}".lower()
        for line in lines:
            named, _, how = line.partition("=")
            if own == named or own.startswith(f"{named}/"):
                return how or "fails"
        return ""
