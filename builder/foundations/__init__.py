"""How each guest's foundation is made, one module per family; and which guest a spec gets."""

from __future__ import annotations

from builder.errors import UserError
from builder.foundations.debian import DebianGuest
from builder.foundations.foundation import Foundation, Guest, Wanted
from builder.foundations.rpm import RpmGuest
from builder.guests import Facts, embedded, in_order_of_preference, known
from builder.progress import warn
from builder.sources.reach import answers
from builder.spec.features import check_version, keepalived_for, refusals
from builder.spec.image import EPEL_GUESTS
from builder.spec.model import Cluster
from builder.spec.profiles import PROFILES

__all__ = ["Foundation", "Guest", "Wanted", "choose", "guest_of", "instead", "settle"]


def guest_of(facts: Facts) -> Guest:
    """The guest with these facts, by its family."""
    return RpmGuest(facts) if facts.family == "rpm" else DebianGuest(facts)


def choose(cluster: Cluster, *, offline: bool = False) -> Guest:
    """The guest that a spec asks for; `auto` takes the first that can be had and can run the spec.

    Raises UserError where the guest cannot have what the spec asks for.
    """
    if cluster.guest == "auto":
        in_turn = (guest_of(facts) for facts in in_order_of_preference())
        return _with_epel(next(guest for guest in in_turn if _can_be_had(guest, cluster, offline=offline)), cluster)
    guest = _with_that_card(guest_of(known()[cluster.guest]), cluster.network.interface)
    return _with_epel(guest.on(cluster.image.base) if cluster.image.base else guest, cluster)


def settle(cluster: Cluster, facts: Facts) -> str:
    """The keepalived of a bake; says aloud what `auto` and the profile have chosen.

    Raises TooOld where the spec names a version that cannot run its profile.
    """
    version, profile = keepalived_for(cluster, facts), PROFILES[cluster.vrrp.profile]
    check_version(cluster, version)
    if cluster.guest == "auto":
        warn(f"guest: auto takes {facts.title} here")
    if version not in (cluster.keepalived, facts.default_keepalived):
        lacking = "; ".join(refusals(profile, facts.default_keepalived))
        warn(f"keepalived {version} instead of {facts.default_keepalived}, for profile {profile.name} needs {lacking}")
    return version


def instead(cluster: Cluster, guest: str) -> Cluster:
    """The cluster with another guest than its spec says; with none (""), as it is. Raises UserError for no guest."""
    if guest not in ("", "auto", *known()):
        raise UserError(f"there is no guest {guest}", hint=f"use one of: {', '.join(sorted(known()))}, or auto")
    return cluster.model_copy(update={"guest": guest}) if guest else cluster


def _with_that_card(guest: Guest, asked: str) -> Guest:
    """The guest, if its card has the name that the spec says; raises UserError where it never can."""
    name = guest.facts.interface
    if name and asked not in ("auto", name):
        raise UserError(
            f"the only card of {guest.facts.title} is {name}, and the spec names {asked}",
            hint="say interface: auto; the image gives the card that name on every hypervisor",
        )
    return guest


def _with_epel(guest: Guest, cluster: Cluster) -> Guest:
    """The guest, if it can have EPEL where the spec asks for it; `--guest` may name another than the spec does."""
    if cluster.image.epel and guest.facts.epel is None:
        raise UserError(
            f"the spec asks for EPEL, which {guest.facts.title} cannot have",
            hint=f"name one of these as guest: {', '.join(EPEL_GUESTS)}; or remove image: epel",
        )
    return guest


def _can_be_had(guest: Guest, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the guest can run the cluster, with base and mirror in reach; the last one always can."""
    if guest.facts == embedded():
        return True
    suits = _runs(guest.facts, cluster) and _has_mirror(guest.facts, cluster, offline=offline)
    return suits and guest.reachable(offline=offline)


def _runs(facts: Facts, cluster: Cluster) -> bool:
    """Whether its card and its keepalived can do what the cluster asks."""
    named = facts.interface not in ("", cluster.network.interface) and cluster.network.interface != "auto"
    return not (named or refusals(PROFILES[cluster.vrrp.profile], keepalived_for(cluster, facts)))


def _has_mirror(facts: Facts, cluster: Cluster, *, offline: bool) -> bool:
    """Whether the spec's mirror, if it names one, is one of this guest and not of another."""
    mirror, own = cluster.image.mirror, facts.repositories
    return not (mirror and own) or answers(f"{mirror.rstrip('/')}/{own.key}", offline=offline)
