"""The bake: foundation in, appliance out, with Packer booting the guest once in between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import files, paths, progress, store
from builder.bake import image, inputs, manifest
from builder.bake.builders.vsphere import template_name
from builder.bake.inputs import Plan
from builder.bake.logs import BakeLogs
from builder.bake.outline import Outline, is_current, outline
from builder.bake.program import program
from builder.bake.reach import reach
from builder.bake.session import Session
from builder.errors import UserError
from builder.host import PackerFacts, qemu
from builder.intact import note
from builder.papers import papers
from builder.sources.fetch import is_offline
from builder.spec.model import Cluster

LOCK_SECONDS = 60 * 60
ROOM_GIB = 3
RECORD = "vsphere.json"
"""What a template in a vCenter was made of; beside the manifest of an image on this host."""


@dataclass(frozen=True)
class Ask:
    """How to bake; `var_file` is a Packer var file with what is not in the spec."""

    builder: str = "qemu"
    var_file: Path | None = None
    force: bool = False
    offline: bool = False
    refresh: bool = False


@dataclass(frozen=True)
class Baked:
    """A finished appliance, and whether it was there already; without an image, it is a template in a vCenter."""

    image: Path | None
    manifest: dict[str, Any]
    fresh: bool

    @property
    def folder(self) -> Path:
        """Where the image lies; raises UserError where there is none."""
        if self.image is None:
            raise UserError("a template in a vCenter cannot be signed here", hint="leave out --sign")
        return self.image.parent


def bake(cluster: Cluster, ask: Ask = Ask()) -> Baked:
    """Make the cluster's appliance, or find it up to date: build/<cluster>/appliance.qcow2 and manifest.json.

    Raises UserError; whatever happens, the old image stays whole until the new one takes its place.
    """
    folder, room = paths.build(cluster.cluster), store.limit()
    with files.locked(folder / ".lock", f"cluster {cluster.cluster}", timeout=LOCK_SECONDS):
        wanted = outline(cluster, ask.builder, offline=ask.offline)
        baked = _local(wanted, ask, folder) if wanted.builder.local else _remote(wanted, ask, folder)
    if baked.fresh and not is_offline(ask.offline):  # offline, what goes could not be had again
        store.keep_within(room)
    return baked


def _local(wanted: Outline, ask: Ask, folder: Path) -> Baked:
    target, known = folder / image.NAME, manifest.read(folder)
    again = ask.force or ask.refresh
    if known and not again and is_current(known, wanted) and manifest.is_whole(known, target):
        papers.write(folder, known, manifest_name=manifest.NAME)
        return Baked(target, known, fresh=False)
    files.need_room(folder, ROOM_GIB, "a bake", "VIPFORGE_BUILD")
    packer, plan = _prepared(wanted, ask)
    with files.workspace(folder / ".work", "bake") as work:
        made = _session(packer, plan, ask, work, folder).run()
        with progress.step("compressing the image"):
            finished = image.flatten(made.output / image.NAME, work / "finished.qcow2")
        record = inputs.describe(plan, inputs.packages(plan, made.packages), finished, packer)
        files.publish(finished, target)
        manifest.write(folder, record)
        note(folder, {image.NAME: record["sha256"]})
        papers.write(folder, record, manifest_name=manifest.NAME)
    return Baked(target, record, fresh=True)


def _remote(wanted: Outline, ask: Ask, folder: Path) -> Baked:
    packer, plan = _prepared(wanted, ask)
    with files.workspace(folder / ".work", "bake") as work:
        made = _session(packer, plan, ask, work, folder).run()
        record = {
            **inputs.origin(plan, inputs.packages(plan, made.packages)),
            "template": template_name(wanted.cluster.cluster),
        }
        files.write_atomic(folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return Baked(None, record, fresh=True)


def _prepared(wanted: Outline, ask: Ask) -> tuple[PackerFacts, Plan]:
    """The programs first: what this host lacks is told before minutes go into the layers."""
    debian = None if wanted.guest.facts.repositories else wanted.cluster.image.mirror
    packer = program(wanted.builder.plugin, offline=ask.offline, mirror=debian)
    if wanted.builder.local:
        qemu()
    return packer, inputs.plan(wanted, offline=ask.offline, refresh=ask.refresh)


def _session(packer: PackerFacts, plan: Plan, ask: Ask, work: Path, folder: Path) -> Session:
    logs = BakeLogs(folder / "logs")
    logs.begin()
    wanted = plan.outline
    within = reach(wanted.cluster, wanted.guest.facts, wanted.builder, offline=ask.offline)
    return Session(packer, plan, within, work, logs, ask.var_file)
