"""Where packages and sources come from: variables, mirrors, the cache."""

from __future__ import annotations

import os
import re
import urllib.request
from collections import Counter
from functools import partial
from http.client import HTTPException
from pathlib import Path

from builder.core import paths
from builder.core.errors import HostLacks, UserError
from builder.doctor import Finding, asked
from builder.guests import Repositories, is_folder
from builder.image.foundations import choose
from builder.rootfs.mirror import RELEASE, mirror
from builder.sources import Pin, every, pin
from builder.sources.fetch import in_reach, is_cached, is_offline
from builder.spec.features import keepalived_for
from builder.spec.model import Cluster

ANSWER_SECONDS = 5
MIB = 1 << 20
VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


def supply_findings(cluster: Cluster | None) -> list[Finding]:
    """The variables that are set, the mirrors, what the cache holds, and what a spec needs of them."""
    found = [*_variables(), *_mirrors(cluster), _cache()]
    return found if cluster is None else [*found, *_spec(cluster)]


def _variables() -> list[Finding]:
    names = [name for name in sorted(os.environ) if name.startswith("VIPFORGE_") or name in VARIABLES]
    shown = ", ".join(f"{name}={_shown(name, os.environ[name])}" for name in names)
    found = [Finding("environment", "note", shown)] if shown else []
    folders = filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":"))
    absent = [folder for folder in folders if not Path(folder).is_dir()]
    return [*found, *(Finding("VIPFORGE_MIRROR", "lacks", f"{each} is no folder", "mend the path") for each in absent)]


def _shown(name: str, value: str) -> str:
    """A variable's value without the password in it: what doctor says is shown to others."""
    return "…" if "PASSWORD" in name else re.sub(r"(?<=//)[^/]*@", "…@", value)


def _mirrors(cluster: Cluster | None) -> list[Finding]:
    repositories = _repositories(cluster) if cluster else None
    if cluster and repositories:
        return [_vendor(repositories, mirror) for mirror in repositories.chosen(cluster.image.mirror)]
    return _debian_mirrors(cluster)


def _repositories(cluster: Cluster) -> Repositories | None:
    try:
        return choose(cluster).facts.repositories
    except UserError:  # told with the spec
        return None


def _vendor(repositories: Repositories, address: str) -> Finding:
    if is_offline(asked=False) and not is_folder(address):
        return Finding("package mirror", "note", f"{address}: not asked (VIPFORGE_OFFLINE)")
    return asked("package mirror", lambda: f"{address} has {_opened(f'{address}/{repositories.key}')}")


def _debian_mirrors(cluster: Cluster | None) -> list[Finding]:
    try:
        source = mirror(RELEASE, cluster.image.mirror if cluster else None)
    except HostLacks as failure:
        return [Finding("Debian mirror", "lacks", failure.message, failure.hint)]
    if is_offline(asked=False):
        return [Finding("Debian mirror", "note", f"{source.address}: not asked (VIPFORGE_OFFLINE)")]
    suites = [(archive.address, archive.suites[0]) for archive in source.archives]
    return [asked("Debian mirror", partial(_answer, address, suite)) for address, suite in suites]


def _answer(address: str, suite: str) -> str:
    """Ask a mirror for a suite's signed index; raises HostLacks where it does not come."""
    _opened(f"{address}/dists/{suite}/InRelease")
    return f"{address} has {suite}"


def _opened(url: str) -> str:
    """The last part of an address that answers; raises HostLacks for another."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - an apt source's address
            answer.read(1)
    except (OSError, HTTPException, ValueError) as failure:
        reason = getattr(failure, "reason", failure)
        raise HostLacks(
            f"{url}: {getattr(reason, 'strerror', None) or reason}",
            hint="is it up, or does it need http_proxy? a cached foundation can be used without it (docs/offline.md)",
        ) from None
    return url.rpartition("/")[2]


def _cache() -> Finding:
    sources = sum(is_cached(each) for each in every())
    layers = Counter(path.parent.parent.name for path in paths.cache("layers").glob("*/*/digests.json"))
    size = sum(map(_size, paths.cache().rglob("*"))) / MIB
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(layers.items())) or "none"
    return Finding("cache", "note", f"{sources} of {len(every())} sources; layers: {kinds}; {size:.0f} MiB")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:  # another vipforge at work has just removed it
        return 0


def _spec(cluster: Cluster) -> list[Finding]:
    try:
        guest = choose(cluster)
        source = pin("keepalived", keepalived_for(cluster, guest.facts))
    except UserError as failure:
        return [Finding("spec", "lacks", failure.message, failure.hint)]
    where = "its source is cached" if is_cached(source) else "its source is not cached; compiling it fetches it"
    found = [
        Finding("guest", "ok", f"guest: {cluster.guest} is {guest.facts.title} here"),
        Finding("keepalived", "ok" if is_cached(source) else "note", f"{source.version}: {where}"),
    ]
    return [*found, _base(guest.pins["disk"])] if "disk" in guest.pins else found


def _base(disk: Pin) -> Finding:
    """Whether a bake can have the vendor's disk."""
    if is_cached(disk):
        return Finding("base", "ok", f"{disk.file} is cached")
    if in_reach(disk, offline=False):
        return Finding("base", "note", f"{disk.file} is in reach; the first bake fetches it")
    advice = "where it is in reach: vipforge sources fetch SPEC --to FOLDER; here: name that folder in VIPFORGE_MIRROR"
    return Finding("base", "lacks", f"{disk.file} is neither cached nor in reach", advice)
