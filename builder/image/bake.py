"""`vipforge image`: bake the appliance if anything has changed, attest and publish it, and summarize the result."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builder import __version__
from builder.core import files, paths, progress
from builder.core.errors import InvalidOption
from builder.core.files import record_digests, sha256
from builder.core.progress import timings
from builder.host.packer import PackerFacts
from builder.host.qemu import qemu, version_of
from builder.image import attest, manifest, store
from builder.image.judge import before_bake
from builder.image.packages import Packages, as_record, from_rpm
from builder.image.packer.builders.vsphere import template_name
from builder.image.packer.output import BakeLogs
from builder.image.packer.program import program
from builder.image.packer.run import PackerRun
from builder.image.packer.template import guest_network
from builder.image.plan import BakePlan, PreparedBake, bake_plan, is_current, prepare
from builder.sources import pin
from builder.sources.fetch import is_offline
from builder.spec.model import Cluster

LOCK_SECONDS = 60 * 60
ROOM_GIB = 3
RECORD = "vsphere.json"
"""The record of a template in a vCenter, next to the manifest of an image on this host."""
MIB = 1 << 20


@dataclass(frozen=True)
class BakeOptions:
    """How to bake; `var_file` is a Packer var file with values that are not in the spec."""

    builder: str = "qemu"
    var_file: Path | None = None
    force: bool = False
    offline: bool = False
    refresh: bool = False


@dataclass(frozen=True)
class Baked:
    """A finished appliance, and whether this run baked it; without an image, it is a template in a vCenter."""

    image: Path | None
    manifest: dict[str, Any]
    fresh: bool

    @property
    def folder(self) -> Path:
        """The folder of the image; raises UserError if the appliance is a template in a vCenter."""
        if self.image is None:
            raise InvalidOption("a template in a vCenter cannot be signed here", hint="leave out --sign")
        return self.image.parent


def bake(cluster: Cluster, options: BakeOptions = BakeOptions()) -> Baked:
    """Bake build/CLUSTER/appliance.qcow2 and manifest.json unless they are up to date.

    Raises UserError. Whatever happens, the old image stays intact until the new one replaces it.
    """
    folder, cache_limit = paths.build_folder(cluster.cluster), store.limit()
    with files.locked(folder / ".lock", f"cluster {cluster.cluster}", timeout=LOCK_SECONDS):
        plan = bake_plan(cluster, options.builder, offline=options.offline)
        baked = _local(plan, options, folder) if plan.builder.local else _remote(plan, options, folder)
    if baked.fresh and not is_offline(options.offline):  # offline, removed files could not be fetched again
        store.prune_to_limit(cache_limit)
    return baked


def _local(plan: BakePlan, options: BakeOptions, folder: Path) -> Baked:
    target, known = folder / manifest.IMAGE, manifest.read(folder)
    forced = options.force or options.refresh
    if known and not forced and is_current(known, plan) and manifest.is_whole(known, target):
        attest.write_documents(folder, known, manifest_name=manifest.NAME)
        return Baked(target, known, fresh=False)
    files.need_room(folder, ROOM_GIB, "a bake", "VIPFORGE_BUILD")
    packer, prepared = _prepared(plan, options)
    with files.workspace(folder / ".work", "bake") as work:
        inputs = _packer_run(packer, prepared, options, work, folder).run()
        with progress.step("compressing the image"):
            finished = manifest.compress(inputs.output / manifest.IMAGE, work / "finished.qcow2")
        record = image_manifest(prepared, packages(prepared, inputs.packages), finished, packer)
        files.publish(finished, target)
        manifest.write(folder, record)
        record_digests(folder, {manifest.IMAGE: record["sha256"]})
        attest.write_documents(folder, record, manifest_name=manifest.NAME)
    return Baked(target, record, fresh=True)


def _remote(plan: BakePlan, options: BakeOptions, folder: Path) -> Baked:
    packer, prepared = _prepared(plan, options)
    with files.workspace(folder / ".work", "bake") as work:
        inputs = _packer_run(packer, prepared, options, work, folder).run()
        record = {
            **bake_record(prepared, packages(prepared, inputs.packages)),
            "template": template_name(plan.cluster.cluster),
        }
        files.write_atomic(folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + "\n")
    return Baked(None, record, fresh=True)


def _prepared(plan: BakePlan, options: BakeOptions) -> tuple[PackerFacts, PreparedBake]:
    """Find the programs, then prepare the layers, so that a missing program is reported before minutes of work."""
    debian_mirror = None if plan.guest.facts.repositories else plan.cluster.image.mirror
    packer = program(plan.builder.plugin, offline=options.offline, mirror=debian_mirror)
    if plan.builder.local:
        qemu()
    prepared = prepare(plan, offline=options.offline, refresh=options.refresh)
    before_bake(plan.cluster, plan.guest, plan.keepalived)
    return packer, prepared


def _packer_run(packer: PackerFacts, bake: PreparedBake, options: BakeOptions, work: Path, folder: Path) -> PackerRun:
    logs = BakeLogs(folder / "logs")
    logs.begin()
    plan = bake.plan
    network = guest_network(plan.cluster, plan.guest.facts, plan.builder, offline=options.offline)
    return PackerRun(packer, bake, network, work, logs, options.var_file)


def bake_summary(baked: Baked, *, as_json: bool) -> str:
    """The manifest as JSON, or a summary of three lines."""
    record, version = baked.manifest, baked.manifest["versions"]["keepalived"]
    if as_json:
        return json.dumps(
            {**record, "path": str(baked.image) if baked.image else None, "fresh": baked.fresh}, indent=2
        )
    if baked.image is None:
        return f"baked: the template {record['template']} in the vCenter\n  {record['guest']}, keepalived {version}"
    verb = "baked" if baked.fresh else "up to date"
    return "\n".join(
        (
            f"{verb}: {_shown(baked.image)}",
            f"  {record['guest']}, keepalived {version}, {record['size'] / MIB:.0f} MiB",
            f"  sha256 {record['sha256']}",
        )
    )


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def packages(bake: PreparedBake, listed: Path | None) -> Packages:
    """The packages of the foundation, or those in the list that the guest wrote at the end of the bake."""
    return bake.foundation.packages if listed is None else from_rpm(listed.read_text())


def image_manifest(bake: PreparedBake, installed: Packages, finished: Path, packer: PackerFacts) -> dict[str, Any]:
    """The manifest of a finished image. Sizes are bytes, times seconds."""
    return {
        **bake_record(bake, installed),
        "image": manifest.IMAGE,
        "sha256": sha256(finished),
        "size": finished.stat().st_size,
        "virtual_size": manifest.virtual_size(finished),
        "tools": {"packer": packer.text, "qemu": version_of(qemu())},
    }


def bake_record(bake: PreparedBake, installed: Packages) -> dict[str, Any]:
    """The part of the manifest that an image and a template have in common: inputs, versions, packages and steps."""
    plan, cluster = bake.plan, bake.plan.cluster
    compiled = {"keepalived": plan.keepalived, "haproxy": cluster.haproxy.source}
    return {
        "builder": plan.builder.name,
        "cluster": cluster.cluster,
        "guest": plan.guest.facts.name,
        "key": bake.key,
        "memory_mib": cluster.libvirt.memory_mib,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"vipforge": __version__} | {name: version for name, version in compiled.items() if version},
        "inputs": {
            **bake.inputs,
            "sources": _sources(compiled),
            "spec_sha256": hashlib.sha256(cluster.model_dump_json().encode()).hexdigest(),
        },
        **as_record(installed),
        "steps": [{"name": done.name, "depth": done.depth, "seconds": round(done.seconds, 2)} for done in timings()],
    }


def _sources(compiled: dict[str, str | None]) -> dict[str, dict[str, str]]:
    """The pinned source files of the compiled programs, by name; `compiled` has the versions."""
    pins = [pin(name, version) for name, version in compiled.items() if version]
    return {each.name: {"file": each.file, "algorithm": each.algorithm, "digest": each.digest} for each in pins}
