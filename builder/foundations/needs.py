"""What a bake takes from upstream servers, so that it can be fetched before, and carried to where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.foundations import choose, settle
from builder.sources import carry
from builder.sources.pins import Pin, own_packer, pin
from builder.spec.load import load
from builder.spec.model import Cluster


def asked(words: Sequence[str], *, bases: bool = False, offline: bool = False) -> list[Pin]:
    """The pins that words name: a spec's file stands for what it needs, another word for a source (`carry.chosen`).

    Without a word, all sources but the bases; with `bases`, all of these as well.
    Raises UserError for a name that is not pinned, or a spec with faults.
    """
    specs = [word for word in words if is_spec(word)]
    needed = [each for spec in specs for each in of(load(Path(spec)), offline=offline)]
    named = carry.chosen([word for word in words if word not in specs])
    small = [] if words else carry.of_kind(bases=False)
    large = carry.of_kind(bases=True) if bases else []
    return list(dict.fromkeys((*needed, *named, *small, *large)))


def is_spec(word: str) -> bool:
    """Whether a word is the path of a spec and not the name of a source."""
    return word.endswith((".yml", ".yaml")) or Path(word).is_file()


def of(cluster: Cluster, *, offline: bool = False) -> Iterator[Pin]:
    """Every pinned file that `vipforge image` wants for the cluster; packages of the guest come from its mirror."""
    guest = choose(cluster, offline=offline)
    yield own_packer()  # wherever the files are carried, there may be no Packer
    yield pin("keepalived", settle(cluster, guest.facts))
    if cluster.haproxy.source:
        yield pin("haproxy", cluster.haproxy.source)
    if "disk" in guest.pins:
        yield guest.pins["disk"]
