"""`vipforge proof`: the scenarios on the machines of the running lab."""

from __future__ import annotations

from pathlib import Path

from builder import paths
from builder.bake import image, manifest
from builder.files import sha256
from builder.host import accelerator
from builder.host.acceleration import Accelerator
from builder.lab import state
from builder.proof import campaign
from builder.proof.campaign import Asked, Conditions
from builder.proof.model import Proof
from builder.proof.pairs.vm import VmPair
from builder.proof.trial import Patience
from builder.proof.watch import Pace
from builder.spec.load import load
from builder.spec.model import Cluster

CONDITIONS: dict[Accelerator, Conditions] = {
    "kvm": Conditions(Pace(rate=0.005), Patience(settle=120, effect=30, recover=180), emulated=False),
    "tcg": Conditions(
        Pace(rate=0.2, timeout=2, holder_rate=0.1, holder_patience=0.5, answers=3),
        Patience(settle=300, effect=60, recover=600),
        emulated=True,
    ),
}
"""An emulated guest that is asked more often than this does nothing but answer, and it boots in minutes. At this rate
ten answers would take longer than systemd needs to bring back what was killed."""


def prove(spec: Path, asked: Asked) -> Proof:
    """Run the scenarios; raises UserError where no lab of the cluster runs."""
    cluster = load(spec)
    campaign.check(cluster, asked)
    how = accelerator()
    return campaign.run(VmPair(state.need(cluster), how, asked.vip), asked, CONDITIONS[how], _digests(spec, cluster))


def _digests(spec: Path, cluster: Cluster) -> dict[str, str]:
    """What was tested: the spec, and the image that the nodes were started from."""
    folder = paths.build(cluster.cluster)
    baked = {image.NAME: sha256(folder / image.NAME)} if manifest.read(folder) else {}
    return {spec.name: sha256(spec), **baked}
