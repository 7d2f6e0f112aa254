"""The bake: foundation in, appliance out, with Packer booting the guest once in between."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder import files, paths, progress, store
from builder.bake import image, manifest
from builder.bake.builders.vsphere import template_name
from builder.bake.logs import BakeLogs
from builder.bake.packer_run import PackerRun
from builder.bake.plan import BakePlan, PreparedBake, bake_plan, is_current, prepare
from builder.bake.program import program
from builder.bake.reach import reach
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
class BakeOptions:
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


def bake(cluster: Cluster, options: BakeOptions = BakeOptions()) -> Baked:
    """Make the cluster's appliance, or find it up to date: build/<cluster>/appliance.qcow2 and manifest.json.

    Raises UserError; whatever happens, the old image stays whole until the new one takes its place.
    """
    folder, room = paths.build(cluster.cluster), store.limit()
    with files.locked(folder / ".lock", f"cluster {cluster.cluster}", timeout=LOCK_SECONDS):
        plan = bake_plan(cluster, options.builder, offline=options.offline)
        baked = _local(plan, options, folder) if plan.builder.local else _remote(plan, options, folder)
    if baked.fresh and not is_offline(options.offline):  # offline, what goes could not be had again
        store.keep_within(room)
    return baked


def _local(plan: BakePlan, options: BakeOptions, folder: Path) -> Baked:
    target, known = folder / image.NAME, manifest.read(folder)
    again = options.force or options.refresh
    if known and not again and is_current(known, plan) and manifest.is_whole(known, target):
        papers.write(folder, known, manifest_name=manifest.NAME)
        return Baked(target, known, fresh=False)
    files.need_room(folder, ROOM_GIB, "a bake", "VIPFORGE_BUILD")
    packer, prepared = _prepared(plan, options)
    with files.workspace(folder / ".work", "bake") as work:
        made = _packer_run(packer, prepared, options, work, folder).run()
        with progress.step("compressing the image"):
            finished = image.flatten(made.output / image.NAME, work / "finished.qcow2")
        record = manifest.describe(prepared, manifest.packages(prepared, made.packages), finished, packer)
        files.publish(finished, target)
        manifest.write(folder, record)
        note(folder, {image.NAME: record["sha256"]})
        papers.write(folder, record, manifest_name=manifest.NAME)
    return Baked(target, record, fresh=True)


def _remote(plan: BakePlan, options: BakeOptions, folder: Path) -> Baked:
    packer, prepared = _prepared(plan, options)
    with files.workspace(folder / ".work", "bake") as work:
        made = _packer_run(packer, prepared, options, work, folder).run()
        record = {
            **manifest.origin(prepared, manifest.packages(prepared, made.packages)),
            "template": template_name(plan.cluster.cluster),
        }
        files.write_atomic(folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return Baked(None, record, fresh=True)


def _prepared(plan: BakePlan, options: BakeOptions) -> tuple[PackerFacts, PreparedBake]:
    """The programs first: what this host lacks is told before minutes go into the layers."""
    debian = None if plan.guest.facts.repositories else plan.cluster.image.mirror
    packer = program(plan.builder.plugin, offline=options.offline, mirror=debian)
    if plan.builder.local:
        qemu()
    return packer, prepare(plan, offline=options.offline, refresh=options.refresh)


def _packer_run(packer: PackerFacts, bake: PreparedBake, options: BakeOptions, work: Path, folder: Path) -> PackerRun:
    logs = BakeLogs(folder / "logs")
    logs.begin()
    plan = bake.plan
    within = reach(plan.cluster, plan.guest.facts, plan.builder, offline=options.offline)
    return PackerRun(packer, bake, within, work, logs, options.var_file)
