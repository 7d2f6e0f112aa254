"""Guests of Debian's family: everything but the boot loader is made on this host, without emulation."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from builder.core import paths
from builder.core.errors import UserError
from builder.core.progress import step
from builder.core.run import run, run_both
from builder.guests import Facts, Medium
from builder.image.foundations import Foundation, FoundationRequest
from builder.rootfs import compiled, disk, layers, mmdebstrap
from builder.rootfs.compiled import DebianBuildRoot
from builder.rootfs.layers import Layer
from builder.rootfs.mirror import mirror
from builder.rootfs.mmdebstrap import Recipe
from builder.sources import Pin, fetch
from builder.spec.model import Cluster

DISK = "disk.qcow2"
# For the bake: reached over SSH, and without whatever would only cost time there.
CMDLINE = (
    f"root=LABEL={disk.LABEL} ro no_timer_check console=tty0 console=ttyS0,115200 net.ifnames=0 vipforge.bake"
    " cloud-init=disabled systemd.unit=vipforge-bake.target systemd.mask=systemd-logind.service"
    " systemd.mask=systemd-timesyncd.service systemd.mask=systemd-binfmt.service"
)


@dataclass(frozen=True)
class DebianGuest:
    """One release, finished by packer/roots/NAME-first.sh, grub.sh and NAME.sh."""

    facts: Facts
    pins: Mapping[Medium, Pin] = field(default_factory=dict)

    def on(self, base: str) -> DebianGuest:
        """No: it is made of packages alone. Raises UserError."""
        raise UserError(f"{self.facts.title} has no base {base}", hint="leave out image: base")

    def reachable(self, *, offline: bool) -> bool:  # noqa: ARG002 - the same with and without connections
        """Always: it needs nothing but the mirror that this host has."""
        return True

    def outline(self, cluster: Cluster, version: str, medium: Medium) -> Layer:  # noqa: ARG002 - it has one medium
        """Base and compiled programs, on a disk."""
        asked, newer = _Asked(self.facts, cluster, version), cluster.haproxy.source
        programs = [compiled.keepalived_layer(asked.workshop, version, snmp=cluster.snmp)]
        if newer:
            programs.append(compiled.haproxy_layer(asked.workshop, newer))
        own = {"disk": f"{cluster.image.disk_gib} GiB, {disk.FSTAB}"}
        return Layer("foundation", own, (Layer("base", asked.base_inputs), *programs))

    def expected(self, cluster: Cluster, medium: Medium, folder: Path) -> Foundation:  # noqa: ARG002 - always alike
        """The disk, and the kernel that QEMU starts directly."""
        return Foundation(folder / DISK, folder / "vmlinuz", folder / "initrd.img", CMDLINE)

    def foundation(self, cluster: Cluster, version: str, wanted: FoundationRequest) -> Foundation:
        """Base, keepalived and disk, each from the cache or made now."""
        asked = _Asked(self.facts, cluster, version, wanted)
        inputs = self.outline(cluster, version, wanted.medium).inputs
        place = layers.layer("foundation", inputs, partial(_make_foundation, asked), refresh=wanted.refresh)
        installed = json.loads((place / "packages.json").read_text())
        made, kernel, initrd = (place / name for name in (DISK, "vmlinuz", "initrd.img"))
        return Foundation(made, kernel, initrd, CMDLINE, layers.digests(place)[DISK], packages=installed)


@dataclass(frozen=True)
class _Asked:
    """A foundation that is asked for."""

    facts: Facts
    cluster: Cluster
    version: str
    wanted: FoundationRequest = field(default_factory=FoundationRequest)

    @property
    def workshop(self) -> DebianBuildRoot:
        return DebianBuildRoot(self.facts.suite, self.cluster.image.mirror)

    @property
    def recipe(self) -> Recipe:
        name = self.facts.name
        wanted = self.facts.packages + (self.facts.snmp_packages if self.cluster.snmp else ())
        hooks = (_script("grub"), _script(name))
        return Recipe(self.facts.suite, wanted, hooks=hooks, first=(_script(f"{name}-first"),), slim=True)

    @property
    def base_inputs(self) -> dict[str, str]:
        # The host's own mirror is no input, so that layers can be carried to a host that has another one, or none.
        return {"recipe": self.recipe.text(), "mirror": self.cluster.image.mirror or "the host's own"}


def _script(name: str) -> str:
    return paths.resources("packer", "roots", f"{name}.sh").read_text()


def _base(asked: _Asked) -> Path:
    return layers.layer("base", asked.base_inputs, partial(_make_base, asked), refresh=asked.wanted.refresh)


def _make_foundation(asked: _Asked, folder: Path) -> None:
    base, programs = run_both(partial(_base, asked), lambda: list(_programs(asked)))
    with step("writing the foundation's disk"):
        root = disk.unpack(base / "root.tar", folder.parent / "root")
        try:
            for built in programs:
                root.put(built)
            root.write("etc/fstab", disk.FSTAB)
            disk.write_disk(root, folder / DISK, gib=asked.cluster.image.disk_gib)
        finally:
            root.remove()
    for name in ("vmlinuz", "initrd.img", "packages.json"):
        shutil.copyfile(base / name, folder / name)


def _programs(asked: _Asked) -> Iterator[Path]:
    """The tars of what is compiled."""
    offline, newer = asked.wanted.offline, asked.cluster.haproxy.source
    yield compiled.build_keepalived(asked.workshop, asked.version, offline=offline, snmp=asked.cluster.snmp)
    if newer:
        yield compiled.build_haproxy(asked.workshop, newer, offline=offline)


def _make_base(asked: _Asked, folder: Path) -> None:
    source = mirror(asked.facts.suite, asked.cluster.image.mirror)
    fetch.refuse_offline(asked.wanted.offline, f"making the base of {asked.facts.name}")
    tar = folder / "root.tar"
    with step(f"making a clean {asked.facts.title} with HAProxy and firewalld"):
        mmdebstrap.make_root(asked.recipe, source, tar, folder / "mmdebstrap.log")
    (folder / "packages.json").write_text(json.dumps(_packages(tar), indent=1, sort_keys=True))
    _take_out(tar, "./boot/vmlinuz-*", folder / "vmlinuz")
    _take_out(tar, "./boot/initrd.img-*", folder / "initrd.img")


def _packages(tar: Path) -> dict[str, str]:
    """Every installed package and its version, from dpkg's own records."""
    status = run(["tar", "-xOf", tar, "./var/lib/dpkg/status"], timeout=120).out
    stanzas = [
        dict(re.findall(r"^(Package|Status|Version): (.*)$", part, re.MULTILINE)) for part in status.split("\n\n")
    ]
    return {each["Package"]: each["Version"] for each in stanzas if each.get("Status", "").endswith(" installed")}


def _take_out(tar: Path, pattern: str, target: Path) -> None:
    aside = target.with_name("aside")
    aside.mkdir()
    run(["tar", "-xf", tar, "-C", aside, "--wildcards", pattern], timeout=120)
    (found,) = [path for path in aside.rglob("*") if path.is_file()]
    found.rename(target)
    shutil.rmtree(aside)


GUEST = DebianGuest
