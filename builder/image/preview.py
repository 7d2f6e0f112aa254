"""Write what a bake would use to files: the Packer templates, the guest's files, and each node's own files."""

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
from builder.image.packer.builders import expected_access, kickstart_text
from builder.image.packer.template import GuestNetwork, guest_network, template, template_json
from builder.image.plan import BakeContext, BakePlan, plan_for
from builder.render import appliance
from builder.seed.identity import keepalived_conf, peers_cfg
from builder.seed.network import card_names
from builder.seed.seed import seed
from builder.sources import Pin, carry
from builder.spec.load import load
from builder.spec.model import Cluster

NAME = "rendered"
README = """\
What a bake of {cluster} runs and puts into its image, with {guest} and keepalived {version}.
For reading only: the next `vipforge render` replaces it. In the order of a bake:

compile/            recipes that run on the host, in a clean root of the guest's system, never in the image
*.pkr.json          Packer templates: appliance.pkr.json for --builder qemu, the others for the builder of that name
ks.cfg              answers for the installer, for --builder qemu-iso and vsphere-iso (only for some guests)
provision/          steps that Packer runs in the guest, in the order of their numbers
guest/              files in the image; 10-overlay.sh installs them
nodes/NAME/         the node's seed (user-data, meta-data, network-config), which is never in the image, and its
                    keepalived.conf and peers.cfg (of HAProxy), which the guest writes at boot from the seed
"""
KEY = "ssh-ed25519 (the key that each bake generates for itself)"


def preview(cluster: Cluster) -> Path:
    """Replace build/CLUSTER/rendered/ and return it; the README in it describes the parts.

    The guest writes nodes/NAME/keepalived.conf itself, with the interface that has the node's address.
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
    interface, _ = card_names(cluster)
    for node in cluster.nodes:
        own = folder / node.name
        write_atomic(own / "keepalived.conf", keepalived_conf(cluster, node, facts, version, interface))
        write_atomic(own / "peers.cfg", peers_cfg(cluster, node, facts, version))
        for name, content in seed(cluster, node, facts).files().items():
            write_atomic(own / name, content, mode=0o600)


def _bake_files(fresh: Path, cluster: Cluster, guest: Guest, version: str, folder: Path) -> None:
    for name in guest.facts.provision:
        source = paths.resources("packer", "provision", name)
        write_atomic(fresh / "provision" / source.name, source.read_text(), mode=0o755)
    for builder in builders.builders_for(guest.facts):
        plan = plan_for(cluster, guest, builder, version)
        inputs = plan.template_inputs(_context(plan, folder))
        name = "appliance" if builder.name == "qemu" else builder.name
        write_atomic(fresh / f"{name}.pkr.json", template_json(template(inputs, _packer_version(), builder)))
    if guest.facts.kickstart:
        write_atomic(fresh / "ks.cfg", kickstart_text(guest.facts, KEY))


def _compile_files(folder: Path, cluster: Cluster) -> None:
    for name in ("keepalived", "haproxy") if cluster.haproxy.source else ("keepalived",):
        recipe = paths.resources("packer", name, "build.sh").read_text()
        write_atomic(folder / f"{name}.sh", recipe, mode=0o755)


def _context(plan: BakePlan, folder: Path) -> BakeContext:
    """The context of a future bake, with placeholders for the key and the digest, which are not known yet."""
    work, facts = folder / ".work", plan.guest.facts
    foundation = plan.guest.expected_foundation(plan.cluster, plan.builder.medium, work)
    return BakeContext(
        foundation=foundation,
        foundation_sha256="0" * 64,
        accelerator="tcg" if plan.builder.local else "",
        access=expected_access(work, foundation, facts, KEY, kickstart=plan.installs),
        network=_network(plan),
        work=work,
        console=folder / "logs" / "console.log",
    )


def _network(plan: BakePlan) -> GuestNetwork:
    """The network that the guest can reach; if the bake would be refused, as if the guest had a network."""
    with suppress(UserError):
        return guest_network(plan.cluster, plan.guest.facts, plan.builder, offline=False)
    return GuestNetwork(is_online=True)


def _packer_version() -> tuple[int, ...]:
    """The version of this host's Packer, or of vipforge's own, which need not be unpacked yet."""
    try:
        return packer().version
    except HostLacks:
        return tuple(map(int, program.OWN.version.split(".")))


def select_pins(words: Sequence[str], *, bases: bool = False, offline: bool = False) -> list[Pin]:
    """The pins that words stand for: the path of a spec for all that the spec needs, another word for a source.

    Without words, all sources except the bases; with `bases`, all bases as well.
    Raises UserError for a name that is not pinned, or a spec with problems.
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
