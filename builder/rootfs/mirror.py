"""The Debian mirror: read from this host's apt sources or from the spec; vipforge has no default address.

A Debian mirror serves every suite, so all that matters in the host's apt sources is where its archives are, not which
release the host itself runs: a Debian 13 host gets Debian 12's packages from the same addresses.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import HostLacks
from builder.spec.syntax import has_credentials

APT = Path("/etc/apt")
RELEASE = "bookworm"
"""The release whose mirror serves the Debian pool of sources."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys of all supported releases, from the package debian-archive-keyring; a symlink in Debian 13."""
ONE_LINE = re.compile(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)")
FIELD = re.compile(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)$", re.MULTILINE)
FALSE = ("no", "false", "without", "off", "disable", "0")
"""The values that apt reads as false (StringToBool in apt-pkg)."""
SECURITY_SUFFIXES = ("-security", "/updates")
"""How the suites of the security archive end; the second one until Debian 10."""
UPDATES_SUFFIX = "-updates"
MIRROR_LIST = re.compile(r"mirror\+(?:file|copy):(?://)?(?=/)")
"""The start of an address that names a file of mirrors (apt-transport-mirror(1)), as in Debian's cloud images."""


@dataclass(frozen=True)
class Archive:
    """One apt source: an address, the suites used from it, and the keyring that verifies it."""

    address: str
    suites: tuple[str, ...]
    signed_by: str = ""

    def line(self, suite: str) -> str:
        """The line of sources.list for one suite, verified with Debian's keyring."""
        return f"deb [signed-by={KEYRING}] {self.address} {suite} main"

    @property
    def is_debian(self) -> bool:
        """Whether this is an archive of Debian: other vendors also name their suites after Debian's releases."""
        if self.signed_by.startswith("/"):
            return "debian-archive" in self.signed_by
        return "debian" in self.address.lower() and "ubuntu" not in self.address.lower()

    @property
    def is_security(self) -> bool:
        """Whether one of its suites has security updates."""
        return any(suite.endswith(SECURITY_SUFFIXES) for suite in self.suites)

    @property
    def releases(self) -> tuple[str, ...]:
        """The suites that are complete releases, not updates or backports."""
        return tuple(suite for suite in self.suites if "-" not in suite and "/" not in suite)


@dataclass(frozen=True)
class Mirror:
    """The archives of a Debian release; the first is the main archive."""

    release: str
    archives: tuple[Archive, ...]

    @property
    def address(self) -> str:
        """The address of the main archive, which has the pool of source packages."""
        return self.archives[0].address

    def lines(self) -> list[str]:
        """The lines of sources.list for all suites."""
        return [archive.line(suite) for archive in self.archives for suite in archive.suites]


def mirror(release: str, override: str | None = None) -> Mirror:
    """The mirror of a release: the release itself, its updates and its security updates.

    `override` is the spec's image.mirror; security updates then come from the folder beside it whose name ends in
    -security, as on Debian's mirrors. Without it, this host's apt sources determine where the archives are, and
    which of the three are used. Raises HostLacks if the apt sources name no Debian mirror.
    """
    if override:
        main = Archive(override, (release, f"{release}{UPDATES_SUFFIX}"))
        return Mirror(release, (main, Archive(f"{override}-security", (f"{release}-security",))))
    archives = _host_archives()
    addresses = _addresses(_nearest([each for each in archives if each.releases], release))
    if not addresses:
        raise HostLacks(
            f"this host's apt sources ({APT}) name no Debian mirror",
            hint="name one in the spec: image: {mirror: http://mirror.example.org/debian}"
            + (" (required on every host other than Debian)" if _os_release("ID") != "debian" else ""),
        )
    updated = {each.address for each in archives if any(suite.endswith(UPDATES_SUFFIX) for suite in each.suites)}
    secured = _addresses(each for each in archives if each.is_security)
    if any(map(has_credentials, (*addresses, *secured))):
        raise HostLacks(
            f"the Debian mirror in this host's apt sources ({APT}) has a user or password in its address",
            hint="name another in the spec (image: mirror): the image and messages would reveal this address",
        )
    mains = [
        Archive(each, (release, *([f"{release}{UPDATES_SUFFIX}"] if each in updated else []))) for each in addresses
    ]
    return Mirror(release, (*mains, *(Archive(each, (f"{release}-security",)) for each in secured)))


def host_address() -> str | None:
    """The address of this host's Debian mirror; None if its apt sources name none."""
    try:
        return mirror(RELEASE).address
    except HostLacks:
        return None


def _nearest(archives: list[Archive], release: str) -> list[Archive]:
    """The archives that have the release, else those that have the host's own release, else all of them.

    A host may have several: a Debian mirror, and a vendor's archive that looks like one.
    """
    for codename in (release, _os_release("VERSION_CODENAME")):
        matching = [each for each in archives if codename in each.releases]
        if matching:
            return matching
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
    """The text of a file without its comments, which deb822 allows inside fields; empty if there is no such file."""
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return "\n".join(line for line in lines if not line.startswith("#"))


def _one_line(text: str) -> Iterator[Archive]:
    """The archives in a file in one-line style (sources.list(5))."""
    for match in filter(None, (ONE_LINE.match(line.strip()) for line in text.splitlines())):
        options, address, suite, components = match.groups("")
        if "main" in components.split():
            signed_by = re.search(r"signed-by=(\S+)", options)
            for each in _resolved(address):
                yield Archive(each, (suite,), signed_by[1] if signed_by else "")


def _deb822(text: str) -> Iterator[Archive]:
    """The archives in a file in deb822 style (sources.list(5))."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = {name.lower(): value for name, value in FIELD.findall(stanza)}
        has_main = "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split()
        if has_main and fields.get("enabled", "yes").strip().lower() not in FALSE:
            suites = tuple(fields.get("suites", "").split())
            for uri in fields.get("uris", "").split():
                yield from (Archive(each, suites, fields.get("signed-by", "")) for each in _resolved(uri))


def _resolved(address: str) -> Iterator[str]:
    """The address itself, or the first mirror in the list that it names, since all of them serve the same files."""
    if not address.startswith("mirror+"):
        yield address.rstrip("/")
        return
    prefix = MIRROR_LIST.match(address)
    file = Path(address[prefix.end() :]) if prefix else None
    words = (line.split() for line in file.read_text().splitlines()) if file and file.is_file() else ()
    yield from [each[0].rstrip("/") for each in words if each and not each[0].startswith("#")][:1]
