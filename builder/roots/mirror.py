"""The Debian mirror: read from this host's apt set-up, or from the spec; no address is written here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from builder.errors import HostLacks

APT = Path("/etc/apt")
RELEASE = "bookworm"
"""The release whose mirror serves the Debian pool of sources."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ONE_LINE = re.compile(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)")
FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)$", re.MULTILINE)
OFF = ("no", "false", "without", "off", "disable", "0")
"""How apt spells a switch that is off (apt_pkg StringToBool)."""


@dataclass(frozen=True)
class Archive:
    """One apt source: an address, the suites that are taken from it, and the keyring it is checked with."""

    address: str
    suites: tuple[str, ...]
    signed_by: str = ""

    def line(self, suite: str) -> str:
        """The apt line for one suite, checked with Debian's keyring."""
        return f"deb [signed-by={KEYRING}] {self.address} {suite} main"

    @property
    def is_debian(self) -> bool:
        """Whether it is Debian's own archive; other vendors name their suites after Debian's releases too."""
        if self.signed_by.startswith("/"):
            return "debian-archive" in self.signed_by
        return "debian" in self.address.lower()


@dataclass(frozen=True)
class Mirror:
    """Where a Debian release comes from; the first archive is the main one."""

    release: str
    archives: tuple[Archive, ...]

    @property
    def address(self) -> str:
        """The address of the main archive, which has the pool of source packages."""
        return self.archives[0].address

    def lines(self) -> list[str]:
        """The apt lines of all suites."""
        return [archive.line(suite) for archive in self.archives for suite in archive.suites]


def mirror(release: str, override: str | None = None) -> Mirror:
    """The mirror for a release.

    `override` (the spec's image.mirror) gives the release and its updates; security updates then come from
    the folder beside it whose name ends in -security, as Debian's mirrors lay it out. Raises HostLacks where
    this host's apt set-up has no entry for the release.
    """
    if override:
        main = Archive(override, (release, f"{release}-updates"))
        return Mirror(release, (main, Archive(f"{override}-security", (f"{release}-security",))))
    wanted = (release, f"{release}-updates", f"{release}-security")
    kept = [replace(each, suites=tuple(s for s in each.suites if s in wanted)) for each in _host_archives()]
    ordered = sorted((each for each in kept if each.suites), key=lambda each: release not in each.suites)
    if not ordered or release not in ordered[0].suites:
        raise HostLacks(
            f"this host's apt set-up ({APT}) names no Debian mirror for {release}",
            hint="name one in the spec: image: {mirror: http://mirror.example.org/debian}",
        )
    return Mirror(release, tuple(ordered))


def host_address() -> str | None:
    """The address of this host's Debian mirror; None where its apt set-up names none."""
    try:
        return mirror(RELEASE).address
    except HostLacks:
        return None


def _host_archives() -> list[Archive]:
    parts = APT / "sources.list.d"
    lists = [APT / "sources.list", *sorted(parts.glob("*.list"))]
    one_line = [archive for path in lists if path.is_file() for archive in _one_line(path.read_text())]
    deb822 = [archive for path in sorted(parts.glob("*.sources")) for archive in _deb822(path.read_text())]
    return [archive for archive in one_line + deb822 if archive.is_debian]


def _one_line(text: str) -> Iterator[Archive]:
    """The archives of a one-line-style file (sources.list(5))."""
    for found in filter(None, (ONE_LINE.match(line.strip()) for line in text.splitlines())):
        options, address, suite, components = found.groups("")
        if "main" in components.split():
            signed_by = re.search(r"signed-by=(\S+)", options)
            yield Archive(address.rstrip("/"), (suite,), signed_by[1] if signed_by else "")


def _deb822(text: str) -> Iterator[Archive]:
    """The archives of a deb822-style file (sources.list(5))."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = {name.lower(): value for name, value in FIELD.findall(stanza)}
        wanted = "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split()
        if wanted and fields.get("enabled", "yes").strip().lower() not in OFF:
            suites = tuple(fields.get("suites", "").split())
            for uri in fields.get("uris", "").split():
                yield Archive(uri.rstrip("/"), suites, fields.get("signed-by", ""))
