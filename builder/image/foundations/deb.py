"""Guests of the Debian family: everything except the boot loader is built on this host, without emulation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from builder.core import paths
from builder.core.errors import UserError
from builder.core.parallel import run_both
from builder.core.progress import step
from builder.core.run import run
from builder.guests import Facts, Medium
from builder.image.foundations import Foundation, FoundationRequest, NoNativeRoot
from builder.image.packages import as_record, from_record, from_root
from builder.rootfs import compiled, disk, layers, mmdebstrap
from builder.rootfs.compiled import DebianBuildRoot
from builder.rootfs.layers import Layer
from builder.rootfs.mirror import mirror
from builder.rootfs.mmdebstrap import Recipe
from builder.sources import Pin, fetch
from builder.spec.model import Cluster

DISK = "disk.qcow2"
PACKAGES = "packages.json"
# For the bake only: SSH works, and everything that would only cost time is off.
CMDLINE = (
    f"root=LABEL={disk.LABEL} ro no_timer_check console=tty0 console=ttyS0,115200 net.ifnames=0 vipforge.bake"
    " cloud-init=disabled systemd.unit=vipforge-bake.target systemd.mask=systemd-logind.service"
    " systemd.mask=systemd-timesyncd.service systemd.mask=systemd-binfmt.service"
)


@dataclass(frozen=True)
class DebianGuest:
    """One release of the family; packer/roots/NAME-first.sh, grub.sh and NAME.sh finish its root."""

    facts: Facts
    pins: Mapping[Medium, Pin] = field(default_factory=dict)

    def with_base(self, base: str) -> DebianGuest:
        """Raise UserError: the guest is built from packages and has no vendor image."""
        raise UserError(f"{self.facts.title} has no base {base}", hint="leave out image: base")

    def reachable(self, *, offline: bool) -> bool:  # noqa: ARG002 - the same online and offline
        """Always true: it only needs this host's own mirror."""
        return True

    def foundation_layer(self, cluster: Cluster, version: str, medium: Medium) -> Layer:  # noqa: ARG002 - it has one medium
        """A disk with the base and the compiled programs."""
        build, haproxy = _FoundationBuild(self.facts, cluster, version), cluster.haproxy.source
        programs = [compiled.keepalived_layer(build.build_root, version, snmp=cluster.snmp)]
        if haproxy:
            programs.append(compiled.haproxy_layer(build.build_root, haproxy))
        own = {"disk": f"{cluster.image.disk_gib} GiB, {disk.FSTAB}"}
        return Layer("foundation", own, (Layer("base", build.base_inputs), *programs))

    def native_root(self, cluster: Cluster, version: str) -> tuple[Path, ...]:
        """The base and the compiled programs, from the cache."""
        build, haproxy = _FoundationBuild(self.facts, cluster, version), cluster.haproxy.source
        parts = [
            Layer("base", build.base_inputs),
            compiled.keepalived_layer(build.build_root, version, snmp=cluster.snmp),
        ]
        if haproxy:
            parts.append(compiled.haproxy_layer(build.build_root, haproxy))
        missing = [part.kind for part in parts if not layers.is_whole(part.place)]
        if missing:
            raise NoNativeRoot(
                f"the cache lacks what runs the programs of {self.facts.title}: {' and '.join(missing)}",
                hint="`vipforge image` makes them, and asks the programs itself before it bakes",
            )
        return tuple(part.place / ("root.tar" if part.kind == "base" else f"{part.kind}.tar") for part in parts)

    def expected_foundation(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:  # noqa: ARG002 - constant
        """The disk, and the kernel that QEMU boots directly."""
        return Foundation(folder / DISK, folder / "vmlinuz", folder / "initrd.img", CMDLINE)

    def foundation(self, cluster: Cluster, version: str, request: FoundationRequest) -> Foundation:
        """The disk with base and keepalived; each layer comes from the cache or is built now."""
        build = _FoundationBuild(self.facts, cluster, version, request)
        inputs = self.foundation_layer(cluster, version, request.medium).inputs
        place = layers.layer("foundation", inputs, partial(_make_foundation, build), refresh=request.refresh)
        installed = from_record(json.loads((place / PACKAGES).read_text()))
        image, kernel, initrd = (place / name for name in (DISK, "vmlinuz", "initrd.img"))
        return Foundation(image, kernel, initrd, CMDLINE, layers.digests(place)[DISK], packages=installed)


@dataclass(frozen=True)
class _FoundationBuild:
    """A foundation to build, with the inputs of its layers."""

    facts: Facts
    cluster: Cluster
    version: str
    request: FoundationRequest = field(default_factory=FoundationRequest)

    @property
    def build_root(self) -> DebianBuildRoot:
        return DebianBuildRoot(self.facts.suite, self.cluster.image.mirror)

    @property
    def recipe(self) -> Recipe:
        name = self.facts.name
        packages = self.facts.packages + (self.facts.snmp_packages if self.cluster.snmp else ())
        hooks = (_script("grub"), _script(name))
        return Recipe(self.facts.suite, packages, hooks=hooks, first=(_script(f"{name}-first"),), slim=True)

    @property
    def base_inputs(self) -> dict[str, str]:
        # The host's own mirror is not an input, so that layers can be carried to a host with another one or none.
        mirror_name = self.cluster.image.mirror or "the host's own"
        return {"recipe": self.recipe.text(), "mirror": mirror_name, PACKAGES: "with sources and licences"}


def _script(name: str) -> str:
    return paths.resources("packer", "roots", f"{name}.sh").read_text()


def _base(build: _FoundationBuild) -> Path:
    return layers.layer("base", build.base_inputs, partial(_make_base, build), refresh=build.request.refresh)


def _make_foundation(build: _FoundationBuild, folder: Path) -> None:
    base, programs = run_both(partial(_base, build), lambda: list(_programs(build)))
    with step("writing the foundation's disk"):
        root = disk.unpack(base / "root.tar", folder.parent / "root")
        try:
            for program in programs:
                root.put(program)
            root.write("etc/fstab", disk.FSTAB)
            disk.write_disk(root, folder / DISK, gib=build.cluster.image.disk_gib)
        finally:
            root.remove()
    for name in ("vmlinuz", "initrd.img", PACKAGES):
        shutil.copyfile(base / name, folder / name)


def _programs(build: _FoundationBuild) -> Iterator[Path]:
    """The tar archives of the compiled programs."""
    offline, haproxy = build.request.offline, build.cluster.haproxy.source
    yield compiled.build_keepalived(build.build_root, build.version, offline=offline, snmp=build.cluster.snmp)
    if haproxy:
        yield compiled.build_haproxy(build.build_root, haproxy, offline=offline)


def _make_base(build: _FoundationBuild, folder: Path) -> None:
    source = mirror(build.facts.suite, build.cluster.image.mirror)
    fetch.refuse_offline(build.request.offline, f"building the base of {build.facts.name}")
    tar = folder / "root.tar"
    with step(f"building a clean {build.facts.title} with HAProxy and firewalld"):
        mmdebstrap.make_root(build.recipe, source, tar, folder / "mmdebstrap.log")
    (folder / PACKAGES).write_text(json.dumps(as_record(from_root(tar)), indent=1, sort_keys=True))
    _extract(tar, "./boot/vmlinuz-*", folder / "vmlinuz")
    _extract(tar, "./boot/initrd.img-*", folder / "initrd.img")


def _extract(tar: Path, pattern: str, target: Path) -> None:
    aside = target.with_name("aside")
    aside.mkdir()
    run(["tar", "-xf", tar, "-C", aside, "--wildcards", pattern], timeout=120)
    (file,) = [path for path in aside.rglob("*") if path.is_file()]
    file.rename(target)
    shutil.rmtree(aside)


GUEST = DebianGuest
