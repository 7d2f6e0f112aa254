"""Pinned upstream files: what they are, where they come from, and the cache that holds them."""

from __future__ import annotations

from builder.errors import UserError
from builder.sources.fetch import is_offline


def refuse_offline(asked: bool, work: str) -> None:
    """Raise UserError where connections are forbidden and `work` needs one, because the cache lacks its result."""
    if is_offline(asked):
        raise UserError(
            f"{work} needs the mirror, and connections are forbidden (offline)",
            hint="bake once where a mirror is in reach and carry the cache over (docs/offline.md)",
        )
