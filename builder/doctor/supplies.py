"""The checks of where packages and sources come from: environment, mirrors and the cache."""

from __future__ import annotations

import os
import urllib.request
from collections import Counter
from functools import partial
from http.client import HTTPException
from pathlib import Path

from builder.core import paths
from builder.core.errors import HostLacks, UserError, without_credentials
from builder.doctor import Finding, check
from builder.guests import Repositories, is_folder
from builder.image.foundations import choose
from builder.rootfs.mirror import RELEASE, mirror
from builder.sources import Pin, all_pins, pin
from builder.sources.fetch import in_reach, is_cached, is_offline
from builder.spec.keepalived_features import keepalived_for
from builder.spec.model import Cluster

ANSWER_SECONDS = 5
MIB = 1 << 20
VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


def supply_findings(cluster: Cluster | None) -> list[Finding]:
    """The environment variables, the mirrors and the cache, and whether they provide what a spec needs."""
    findings = [*_variables(), *_mirrors(cluster), _cache()]
    return findings if cluster is None else [*findings, *_spec(cluster)]


def _variables() -> list[Finding]:
    names = [name for name in sorted(os.environ) if name.startswith("VIPFORGE_") or name in VARIABLES]
    shown = ", ".join(f"{name}={_shown(name, os.environ[name])}" for name in names)
    findings = [Finding("environment", "note", shown)] if shown else []
    folders = filter(None, os.environ.get("VIPFORGE_MIRROR", "").split(":"))
    absent = [folder for folder in folders if not Path(folder).is_dir()]
    return [
        *findings,
        *(Finding("VIPFORGE_MIRROR", "lacks", f"{each} is not a folder", "fix the path") for each in absent),
    ]


def _shown(name: str, value: str) -> str:
    """The value of a variable without any password, since people post doctor's output."""
    return "…" if "PASSWORD" in name else without_credentials(value)


def _mirrors(cluster: Cluster | None) -> list[Finding]:
    repositories = _repositories(cluster) if cluster else None
    if cluster and repositories:
        return [_vendor(repositories, mirror) for mirror in repositories.bake_mirrors(cluster.image.mirror)]
    return _debian_mirrors(cluster)


def _repositories(cluster: Cluster) -> Repositories | None:
    try:
        return choose(cluster).facts.repositories
    except UserError:  # reported with the spec
        return None


def _vendor(repositories: Repositories, address: str) -> Finding:
    if is_offline(offline=False) and not is_folder(address):
        return Finding("package mirror", "note", f"{address}: not checked (VIPFORGE_OFFLINE)")
    return check("package mirror", lambda: f"{address} has {_open(f'{address}/{repositories.key}')}")


def _debian_mirrors(cluster: Cluster | None) -> list[Finding]:
    try:
        source = mirror(RELEASE, cluster.image.mirror if cluster else None)
    except HostLacks as failure:
        return [Finding("Debian mirror", "lacks", failure.message, failure.hint)]
    if is_offline(offline=False):
        return [Finding("Debian mirror", "note", f"{source.address}: not checked (VIPFORGE_OFFLINE)")]
    suites = [(archive.address, archive.suites[0]) for archive in source.archives]
    return [check("Debian mirror", partial(_open_suite, address, suite)) for address, suite in suites]


def _open_suite(address: str, suite: str) -> str:
    """Open a suite's signed index on a mirror; raises HostLacks if that fails."""
    _open(f"{address}/dists/{suite}/InRelease")
    return f"{address} has {suite}"


def _open(url: str) -> str:
    """Open an address and return its last component; raises HostLacks if it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - an apt source's address
            answer.read(1)
    except (OSError, HTTPException, ValueError) as failure:
        reason = getattr(failure, "reason", failure)
        raise HostLacks(
            f"{url}: {getattr(reason, 'strerror', None) or reason}",
            hint="is it up, or does it need http_proxy? A cached foundation works without it (docs/offline.md)",
        ) from None
    return url.rpartition("/")[2]


def _cache() -> Finding:
    sources = sum(is_cached(each) for each in all_pins())
    layers = Counter(path.parent.parent.name for path in paths.cache("layers").glob("*/*/digests.json"))
    size = sum(map(_size, paths.cache().rglob("*"))) / MIB
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(layers.items())) or "none"
    return Finding("cache", "note", f"{sources} of {len(all_pins())} sources; layers: {kinds}; {size:.0f} MiB")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:  # another vipforge process has just removed it
        return 0


def _spec(cluster: Cluster) -> list[Finding]:
    try:
        guest = choose(cluster)
        source = pin("keepalived", keepalived_for(cluster, guest.facts))
    except UserError as failure:
        return [Finding("spec", "lacks", failure.message, failure.hint)]
    where = (
        "its source is cached" if is_cached(source) else "its source is not cached; it will be fetched to compile it"
    )
    findings = [
        Finding("guest", "ok", f"guest: {cluster.guest} means {guest.facts.title} here"),
        Finding("keepalived", "ok" if is_cached(source) else "note", f"{source.version}: {where}"),
    ]
    return [*findings, _base(guest.pins["disk"])] if "disk" in guest.pins else findings


def _base(disk: Pin) -> Finding:
    """Whether the vendor's disk is available to a bake."""
    if is_cached(disk):
        return Finding("base", "ok", f"{disk.file} is cached")
    if in_reach(disk, offline=False):
        return Finding("base", "note", f"{disk.file} is reachable and will be fetched by the first bake")
    advice = (
        "where it can be downloaded, run: vipforge sources fetch SPEC --to FOLDER;"
        " then copy FOLDER to this host and set VIPFORGE_MIRROR to it"
    )
    return Finding("base", "lacks", f"{disk.file} is neither cached nor reachable", advice)
