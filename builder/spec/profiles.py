"""The three ways to run VRRP that a spec chooses from (docs/profiles.md)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Profile:
    """How one profile runs VRRP. `advert` is in seconds."""

    name: str
    vrrp_version: int
    advert: float
    unicast: bool
    haproxy_is_event: bool
    """HAProxy's end is told to keepalived at once; otherwise a script asks every 2 seconds."""
    realtime: bool
    ask_every: float = 0
    """Seconds between two questions to HAProxy whether it still answers; 0 where nothing asks it."""
    ask_timeout: float = 0
    """Seconds without an answer; twice in a row, and HAProxy counts as hung."""
    highest: int = 254
    """The first node's priority where the spec names none; each further node has one less. High ones are fastest."""
    bonus: int = 0
    """What the script adds to a node's priority while HAProxy runs; 0 where its end is an event."""


CLASSIC = Profile("classic", 2, advert=1, unicast=False, haproxy_is_event=False, realtime=False, highest=101, bonus=2)
STANDARD = Profile(
    "standard", 3, advert=1, unicast=True, haproxy_is_event=True, realtime=False, ask_every=0.5, ask_timeout=1
)
FAST = Profile(
    "fast", 3, advert=0.1, unicast=True, haproxy_is_event=True, realtime=True, ask_every=0.1, ask_timeout=0.2
)

PROFILES = MappingProxyType({profile.name: profile for profile in (CLASSIC, STANDARD, FAST)})
