"""`vipforge rehearse`: the scenarios on the pair in namespaces, with the files that would be baked."""

from __future__ import annotations

import hashlib
from pathlib import Path

from builder.files import sha256
from builder.guests import embedded
from builder.lab import netns
from builder.progress import step, warn
from builder.proof import campaign
from builder.proof.campaign import Asked, Conditions
from builder.proof.model import Proof
from builder.proof.pairs.netns import served
from builder.proof.trial import Patience
from builder.proof.watch import Pace
from builder.render import appliance
from builder.roots import keepalived
from builder.roots.workshop import DebianWorkshop
from builder.sources.fetch import NotFetched
from builder.spec.features import check_version
from builder.spec.load import load
from builder.spec.model import Cluster

GUEST = embedded()
"""The guest whose programs this host can run without a machine."""
WORKSHOP = DebianWorkshop(GUEST.suite)
CONDITIONS = Conditions(pace=Pace(rate=0.005), patience=Patience(settle=30, effect=20, recover=30), emulated=False)


def rehearse(spec: Path, asked: Asked) -> Proof:
    """Run the scenarios; raises HostLacks where this host cannot have the pair."""
    cluster = load(spec)
    campaign.check(cluster, asked)
    netns.check_host()  # before minutes are spent on compiling keepalived
    version, build = keepalived_of(cluster)
    with netns.pair(cluster, GUEST, version, build) as running:
        with step(f"starting {cluster.cluster} in namespaces, profile {cluster.vrrp.profile}, keepalived {version}"):
            pair = served(running, asked.vip)
        return campaign.run(pair, asked, CONDITIONS, _digests(spec, cluster, version, build))


def keepalived_of(cluster: Cluster) -> tuple[str, Path]:
    """The keepalived that the spec asks for, or, where its source cannot be had, the one that this host can have."""
    wanted = cluster.keepalived or GUEST.default_keepalived
    try:
        return wanted, keepalived.build(WORKSHOP, wanted, offline=False)
    except NotFetched as missing:
        if wanted == GUEST.default_keepalived:
            raise
        warn(f"{missing.message}: this rehearsal runs keepalived {GUEST.default_keepalived} instead")
    check_version(cluster, GUEST.default_keepalived)
    return GUEST.default_keepalived, keepalived.build(WORKSHOP, GUEST.default_keepalived, offline=False)


def _digests(spec: Path, cluster: Cluster, version: str, build: Path) -> dict[str, str]:
    """What was tested: the spec, the files that it makes, and keepalived as compiled."""
    files = appliance(cluster, GUEST, version)
    shown = ("/etc/haproxy/haproxy.cfg", "/usr/share/vipforge/keepalived.conf")
    rendered = {path: hashlib.sha256(files[path].content.encode()).hexdigest() for path in shown}
    return {spec.name: sha256(spec), **rendered, build.name: sha256(build)}
