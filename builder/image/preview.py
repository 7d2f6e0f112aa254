"""What a bake would use, written out for people to read: the Packer template, the guest's files, each node's own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from builder.core import paths
from builder.core.errors import HostLacks, UserError
from builder.core.files import publish, workspace, write_atomic
from builder.guests import Facts
from builder.host.packer import packer
from builder.image.foundations import Guest, choose, pins_for, select_keepalived
from builder.image.packer import builders, program
from builder.image.packer.builders import expected, kickstart_text
from builder.image.packer.template import Reach, reach, template, template_json
from builder.image.plan import BakePlan, Surroundings, plan_for
from builder.render import appliance
from builder.seed.identity import keepalived_conf
from builder.seed.seed import seed
from builder.sources import Pin, carry
from builder.spec.load import load
from builder.spec.model import Cluster

NAME = "rendered"
README = """\
What a bake of {cluster} runs and puts into its image, with {guest} and keepalived {version}.
For reading alone: the next `vipforge render` writes it anew. In the order of a bake:

compile/            recipes that run in a clean root of the guest's system on the host, never in the image
*.pkr.json          what Packer does: appliance.pkr.json for --builder qemu, the others for the builder of their name
ks.cfg              what answers the installer, for --builder qemu-iso and vsphere-iso (not for every guest)
provision/          steps that Packer runs in the guest, in the order of their numbers
guest/              files as they lie in the image; 10-overlay.sh puts them there
nodes/NAME/         one node's seed (user-data, meta-data, network-config), which is never in the image, and its
                    keepalived.conf, which the guest writes at boot from the seed
"""
KEY = "ssh-ed25519 (the bake's own key, made for one bake)"


def preview(cluster: Cluster) -> Path:
    """Write build/CLUSTER/rendered/ anew and return it; README in it says what each part is.

    The interface in nodes/NAME/keepalived.conf stays `auto` where neither the spec nor the guest names it: it is found
    at boot.
    """
    guest = choose(cluster)
    version = select_keepalived(cluster, guest.facts)
    target = paths.build_folder(cluster.cluster, NAME)
    with workspace(target.parent / ".work", "render") as work:
        fresh = work / NAME
        _guest_files(fresh / "guest", cluster, guest.facts, version)
        _node_files(fresh / "nodes", cluster, guest.facts, version)
        _bake_files(fresh, cluster, guest, version, target.parent)
        _compile_files(fresh / "compile", cluster)
        write_atomic(
            fresh / "README", README.format(cluster=cluster.cluster, guest=guest.facts.title, version=version)
        )
        shutil.rmtree(target, ignore_errors=True)
        publish(fresh, target)
    return target


def _guest_files(folder: Path, cluster: Cluster, facts: Facts, version: str) -> None:
    for path, file in appliance(cluster, facts, version).items():
        write_atomic(folder / path.lstrip("/"), file.content, mode=file.mode)


def _node_files(folder: Path, cluster: Cluster, facts: Facts, version: str) -> None:
    asked = cluster.network.interface
    card = facts.interface or asked if asked == "auto" else asked
    for node in cluster.nodes:
        own = folder / node.name
        write_atomic(own / "keepalived.conf", keepalived_conf(cluster, node, facts, version, card))
        for name, content in seed(cluster, node, facts).files().items():
            write_atomic(own / name, content, mode=0o600)


def _bake_files(fresh: Path, cluster: Cluster, guest: Guest, version: str, folder: Path) -> None:
    for name in guest.facts.provision:
        source = paths.resources("packer", "provision", name)
        write_atomic(fresh / "provision" / source.name, source.read_text(), mode=0o755)
    for builder in builders.builders_for(guest.facts):
        plan = plan_for(cluster, guest, builder, version)
        made = template_json(template(plan.template_inputs(_surroundings(plan, folder)), _packer_version(), builder))
        name = "appliance" if builder.name == "qemu" else builder.name
        write_atomic(fresh / f"{name}.pkr.json", made)
    if guest.facts.kickstart:
        write_atomic(fresh / "ks.cfg", kickstart_text(guest.facts, KEY))


def _compile_files(folder: Path, cluster: Cluster) -> None:
    for name in ("keepalived", "haproxy") if cluster.haproxy.source else ("keepalived",):
        recipe = paths.resources("packer", name, "build.sh").read_text()
        write_atomic(folder / f"{name}.sh", recipe, mode=0o755)


def _surroundings(plan: BakePlan, folder: Path) -> Surroundings:
    """The places where the bake's files will be; keys and digests are not known yet."""
    work, facts = folder / ".work", plan.guest.facts
    foundation = plan.guest.expected(plan.cluster, plan.builder.medium, work)
    return Surroundings(
        foundation=foundation,
        foundation_sha256="0" * 64,
        accelerator="tcg" if plan.builder.local else "",
        access=expected(work, foundation, facts, KEY, kickstart=plan.installs),
        reach=_reach(plan),
        work=work,
        console=folder / "logs" / "console.log",
    )


def _reach(plan: BakePlan) -> Reach:
    """What the guest can reach; where this way to bake is refused, as if it had a network."""
    with suppress(UserError):
        return reach(plan.cluster, plan.guest.facts, plan.builder, offline=False)
    return Reach(network=True)


def _packer_version() -> tuple[int, ...]:
    """The version of this host's Packer, else of vipforge's own, which need not be there yet."""
    try:
        return packer().version
    except HostLacks:
        return tuple(map(int, program.OWN.version.split(".")))


def asked(words: Sequence[str], *, bases: bool = False, offline: bool = False) -> list[Pin]:
    """The pins that words name: a spec's file stands for what it needs, other words for sources (`carry.pins_named`).

    Without a word, all sources but the bases; with `bases`, all of these as well.
    Raises UserError for a name that is not pinned, or a spec with faults.
    """
    specs = [word for word in words if is_spec(word)]
    needed = [each for spec in specs for each in pins_for(load(Path(spec)), offline=offline)]
    named = carry.pins_named([word for word in words if word not in specs])
    small = [] if words else carry.pins_by_kind(bases=False)
    large = carry.pins_by_kind(bases=True) if bases else []
    return list(dict.fromkeys((*needed, *named, *small, *large)))


def is_spec(word: str) -> bool:
    """Whether a word is the path of a spec and not the name of a source."""
    return word.endswith((".yml", ".yaml")) or Path(word).is_file()
