"""The Debian mirror: read from this host's apt set-up, or from the spec; no address is written here.

A Debian mirror serves every suite, so what counts of the host's set-up is where its archives are, not which release
the host itself runs: a Debian 13 host gets Debian 12's packages from the same addresses.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import HostLacks

APT = Path("/etc/apt")
RELEASE = "bookworm"
"""The release whose mirror serves the Debian pool of sources."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys of all supported releases, in the package debian-archive-keyring; in Debian 13 a link to the newer name."""
ONE_LINE = re.compile(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)")
FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)$", re.MULTILINE)
OFF = ("no", "false", "without", "off", "disable", "0")
"""How apt spells a switch that is off (apt_pkg StringToBool)."""
SECURITY = ("-security", "/updates")
"""How the suites of the security archive end; the second until Debian 10."""
UPDATES = "-updates"
WITH_USER = re.compile(r"[a-z]+://[^/]*@")
LIST = re.compile(r"mirror\+(?:file|copy):(?://)?(?=/)")
"""How an address begins that names a file of addresses (apt-transport-mirror(1)), as in Debian's cloud images."""


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
        return "debian" in self.address.lower() and "ubuntu" not in self.address.lower()

    @property
    def is_security(self) -> bool:
        """Whether its suites are those of security updates."""
        return any(suite.endswith(SECURITY) for suite in self.suites)

    @property
    def releases(self) -> tuple[str, ...]:
        """The suites that are whole releases: neither updates nor backports of one."""
        return tuple(suite for suite in self.suites if "-" not in suite and "/" not in suite)


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
    """The mirror for a release: the release itself, its updates and its security updates.

    `override` is the spec's image.mirror; security updates then come from the folder beside it whose name ends in
    -security, as Debian's mirrors lay it out. Without it, this host's apt set-up says where the archives are, and
    which of the three are taken. Raises HostLacks where it names no Debian mirror.
    """
    if override:
        main = Archive(override, (release, f"{release}{UPDATES}"))
        return Mirror(release, (main, Archive(f"{override}-security", (f"{release}-security",))))
    archives = _host_archives()
    addresses = _addresses(_nearest([each for each in archives if each.releases], release))
    if not addresses:
        raise HostLacks(
            f"this host's apt set-up ({APT}) names no Debian mirror",
            hint="name one in the spec: image: {mirror: http://mirror.example.org/debian}"
            + (", as on every host that is not Debian" if _os_release("ID") != "debian" else ""),
        )
    updated = {each.address for each in archives if any(suite.endswith(UPDATES) for suite in each.suites)}
    secured = _addresses(each for each in archives if each.is_security)
    if any(WITH_USER.match(each) for each in (*addresses, *secured)):
        raise HostLacks(
            f"the Debian mirror of this host's apt set-up ({APT}) has a user or password in its address",
            hint="the image and messages would show it; name another mirror in the spec (image: mirror)",
        )
    mains = [Archive(each, (release, *([f"{release}{UPDATES}"] if each in updated else []))) for each in addresses]
    return Mirror(release, (*mains, *(Archive(each, (f"{release}-security",)) for each in secured)))


def host_address() -> str | None:
    """The address of this host's Debian mirror; None where its apt set-up names none."""
    try:
        return mirror(RELEASE).address
    except HostLacks:
        return None


def _nearest(archives: list[Archive], release: str) -> list[Archive]:
    """The archives that name the release, else those that name the host's own release, else all of them.

    A host may have several: a mirror of Debian's, and a vendor's archive that looks like one.
    """
    for wanted in (release, _os_release("VERSION_CODENAME")):
        named = [each for each in archives if wanted in each.releases]
        if named:
            return named
    return archives


def _os_release(name: str) -> str:
    try:
        return platform.freedesktop_os_release().get(name, "")
    except OSError:
        return ""


def _addresses(archives: Iterable[Archive]) -> list[str]:
    return list(dict.fromkeys(archive.address for archive in archives))


def _host_archives() -> list[Archive]:
    parts = APT / "sources.list.d"
    lists = [APT / "sources.list", *sorted(parts.glob("*.list"))]
    one_line = [archive for path in lists for archive in _one_line(_text(path))]
    deb822 = [archive for path in sorted(parts.glob("*.sources")) for archive in _deb822(_text(path))]
    return [archive for archive in one_line + deb822 if archive.is_debian]


def _text(path: Path) -> str:
    """A file without its remarks, which may stand within a field of deb822; empty where there is no such file."""
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return "\n".join(line for line in lines if not line.startswith("#"))


def _one_line(text: str) -> Iterator[Archive]:
    """The archives of a one-line-style file (sources.list(5))."""
    for found in filter(None, (ONE_LINE.match(line.strip()) for line in text.splitlines())):
        options, address, suite, components = found.groups("")
        if "main" in components.split():
            signed_by = re.search(r"signed-by=(\S+)", options)
            for each in _resolved(address):
                yield Archive(each, (suite,), signed_by[1] if signed_by else "")


def _deb822(text: str) -> Iterator[Archive]:
    """The archives of a deb822-style file (sources.list(5))."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = {name.lower(): value for name, value in FIELD.findall(stanza)}
        wanted = "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split()
        if wanted and fields.get("enabled", "yes").strip().lower() not in OFF:
            suites = tuple(fields.get("suites", "").split())
            for uri in fields.get("uris", "").split():
                yield from (Archive(each, suites, fields.get("signed-by", "")) for each in _resolved(uri))


def _resolved(address: str) -> Iterator[str]:
    """The address itself; of a file with a list of mirrors, the first of them, since all serve the same."""
    if not address.startswith("mirror+"):
        yield address.rstrip("/")
        return
    begin = LIST.match(address)
    file = Path(address[begin.end() :]) if begin else None
    words = (line.split() for line in file.read_text().splitlines()) if file and file.is_file() else ()
    yield from [each[0].rstrip("/") for each in words if each and not each[0].startswith("#")][:1]
