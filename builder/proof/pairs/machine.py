"""The buttons of a node's machine, where it has one."""

from __future__ import annotations

from typing import Protocol


class Machine(Protocol):
    """One node's machine."""

    def cut_power(self) -> None:
        """End it at once."""

    def power_on(self) -> None:
        """Start it again; returns when it runs, not when it has booted."""

    def pause(self) -> None:
        """Stop its processor, as a snapshot or a migration does."""

    def resume(self) -> None:
        """Let it go on."""

    def reset(self) -> None:
        """Restart it at once."""
