"""The guest's own HAProxy and keepalived judge the rendered files, natively, in the guest's root on this host.

A bake asks them before it starts the machine, `vipforge check --deep` without a bake. Push asks those of every node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.core import paths
from builder.core.errors import UserError
from builder.core.files import need_room, workspace
from builder.core.progress import step, warn
from builder.core.run import CommandFailed, run
from builder.guests import GuestFile
from builder.image.foundations import Guest, NoNativeRoot, choose, select_keepalived
from builder.render import appliance, payload
from builder.rootfs import disk
from builder.seed.identity import identity_files, keepalived_conf, peers_cfg
from builder.spec.model import Cluster
from builder.spec.problem import Loc, Problem

SECONDS = 120
ROOM_GIB = 1
FOLDER = "/judgement"
CONFIGURATION = "/etc/haproxy/haproxy.cfg"
PEERS = "/etc/vipforge/peers.cfg"
MODE = 0o644
SECTION = re.compile(r"(?:frontend|backend|listen|vrrp_instance) (\S+)|(global_defs|global|defaults)\b")
PLACE = re.compile(r"haproxy\.cfg:(\d+)\]|/dev/stdin:(\d+)\]|\(Line (\d+)\)|\.conf: Line (\d+)\)")
"""How each program names a line: HAProxy `[FILE:LINE]`, keepalived `(Line LINE)` or `(FILE: Line LINE)`."""
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*|VI_1")
VERSION = re.compile(r"[0-9]+\.[0-9]+[^\s,]*")
LABEL = re.compile(r"\[[A-Z]+\]\s+(?:\S+ )?\([0-9]+\) : (?:config : )?")
"""What HAProxy puts before a message: its severity, the time (in 1.5) and its process ID."""
NOISE = re.compile(r"\[NOTICE\]|\[WARNING\]|Fatal errors found|Error\(s\) found in|Errors found in configuration")
"""Lines that repeat, or only accompany, the reason of a refusal."""


@dataclass(frozen=True)
class Judgement:
    """The releases that judged, and each complaint with the section of the file that it is about."""

    haproxy: str
    keepalived: str
    complaints: tuple[tuple[str, str], ...]

    @property
    def judges(self) -> str:
        """The programs that judged, in words; an old keepalived cannot test a file."""
        return f"HAProxy {self.haproxy}" + (f" and keepalived {self.keepalived}" if self.keepalived else "")


def before_bake(cluster: Cluster, guest: Guest, keepalived: str) -> None:
    """Raise UserError if the guest's programs refuse the files.

    Without a native root, or where this host does not let them run, HAProxy is asked only in the guest.
    """
    try:
        found = judge(cluster, guest, keepalived, private=False)
    except NoNativeRoot:
        return
    except CommandFailed as failure:
        warn(f"the programs of {guest.facts.title} do not run here; only the bake checks the files: {failure.message}")
        return
    if found.complaints:
        told = "".join(f"\n    {text}" for text, _ in found.complaints)
        raise UserError(
            f"{found.judges} of {guest.facts.title} refuse the files of cluster {cluster.cluster}:{told}",
            hint="`vipforge check --deep SPEC` shows the lines of the spec",
        )


def deep_problems(cluster: Cluster, accepted: list[str]) -> Iterator[Problem]:
    """What the guest's programs refuse, as problems of the spec; `accepted` gets a line about who judged.

    Raises NoNativeRoot if this host has no root with these programs.
    """
    guest = choose(cluster)
    found = judge(cluster.expanded(), guest, select_keepalived(cluster, guest.facts), private=True)
    for text, section in found.complaints:
        yield Problem(place_of(cluster, section), f"{guest.facts.title} refuses it: {text}", shows_value=False)
    if not found.complaints:
        accepted.append(f"{found.judges} of {guest.facts.title} accept the files of cluster {cluster.cluster}")


def judge(cluster: Cluster, guest: Guest, keepalived: str, *, private: bool) -> Judgement:
    """Ask the guest's programs about its files; with `private`, also about the certificates, which are then read."""
    tars = guest.native_root(cluster, keepalived)
    files = appliance(cluster, guest.facts, keepalived)
    if private:
        own = identity_files(cluster, cluster.nodes[0]).items()
        files |= {path: GuestFile(text, MODE) for path, text in own}
        files[PEERS] = GuestFile(peers_cfg(cluster, cluster.nodes[0], guest.facts, keepalived), MODE)
    interface = "eth0" if cluster.network.interface == "auto" else cluster.network.interface
    for node in cluster.nodes:
        text = keepalived_conf(cluster, node, guest.facts, keepalived, interface)
        files[f"{FOLDER}/{node.name}.conf"] = GuestFile(text, MODE)
    with step(f"checking the files with {guest.facts.title}'s own programs"):
        return ask(tars, files, interface)


def ask(tars: Sequence[Path], files: Mapping[str, GuestFile], interface: str) -> Judgement:
    """Unpack the tars, which together are the guest's root, add the files, and ask the programs there."""
    need_room(paths.cache(), ROOM_GIB, "asking the guest's programs", "VIPFORGE_CACHE")
    with workspace(paths.cache("work"), "judge") as work:
        extra = work / "files.tar"
        extra.write_bytes(payload(files))
        root = disk.unpack(tars[0], work / "root")
        try:
            for tar in (*tars[1:], extra):
                root.put(tar)
            script = paths.resources("packer", "roots", "judge.sh")
            alone = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--"]
            run(disk.as_guest_root([*alone, "sh", script, root.folder, interface]), timeout=SECONDS)
            return _judgement(root.folder / FOLDER.lstrip("/"), files)
        finally:
            root.remove()


def _judgement(told: Path, files: Mapping[str, GuestFile]) -> Judgement:
    complaints = []
    for refused in sorted(told.glob("*.refused")):
        name = refused.name.removesuffix(".refused")
        file = CONFIGURATION if name == "haproxy" else f"{FOLDER}/{name}.conf"
        complaints += list(complaints_about(files[file].content, (told / name).read_text(errors="replace")))
    tested = "--config-test" in (told / "keepalived.help").read_text()
    keepalived = _version(told / "keepalived.version") if tested else ""
    return Judgement(_version(told / "haproxy.version"), keepalived, tuple(dict.fromkeys(complaints)))


def _version(told: Path) -> str:
    found = VERSION.search(told.read_text())
    return found[0] if found else "of unknown version"


def complaints_about(file: str, told: str) -> Iterator[tuple[str, str]]:
    """Each complaint in a program's output with the section of the file that it is about; empty if it names none."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    serious = [line for line in lines if not NOISE.search(line)] or lines
    names = {match[1] for match in map(SECTION.match, file.splitlines()) if match and match[1]}
    for line in serious:
        place = PLACE.search(line)
        numbers = [int(number) for number in place.groups() if number] if place else []
        named = next((name for name in NAME.findall(line) if name in names), "")
        yield LABEL.sub("", line), _section_at(file, numbers[0]) if numbers else named


def _section_at(file: str, number: int) -> str:
    """The section of a configuration file that has the line with this number."""
    heads = [match for match in map(SECTION.match, file.splitlines()[:number]) if match]
    return (heads[-1][1] or heads[-1][2]) if heads else ""


def place_of(cluster: Cluster, section: str) -> Loc:
    """The place in the spec that a section of haproxy.cfg or keepalived.conf was made from."""
    if section == "global_defs" and cluster.alerts:
        return ("alerts",)
    for index, instance in enumerate(cluster.vrrp.instances):
        if instance.name == section:
            return ("vrrp", "instances", index)
    for loc, service in cluster.placed_services():
        routes = [f"{service.name}-{route.name}" for route in service.routes]
        if section in (f"{service.name}.frontend", service.name, *routes):
            is_route = section in routes and loc[0] == "services"  # a preset has no routes in the spec
            return (*loc, "routes", routes.index(section)) if is_route else loc
    return ("vrrp",) if section == "VI_1" else ()
