"""The package repositories of an RPM guest: where they are, and the key that their packages are signed with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Repositories:
    """A vendor's repositories, the same folders under each of its mirrors."""

    release: str
    """What yum and dnf call `$releasever`."""
    mirrors: tuple[str, ...]
    """Addresses that serve the same files, the first one first."""
    paths: tuple[tuple[str, str], ...]
    """Name of a repository and its folder under a mirror."""
    key: str
    """The file of the signing key under a mirror; the guest has it in /etc/pki/rpm-gpg/."""
    fingerprint: str
    """Of that key, in capital hexadecimal digits; vendors publish it on their pages of keys."""

    @property
    def key_name(self) -> str:
        """The name of the key's file."""
        return self.key.rpartition("/")[2]

    def chosen(self, override: str | None) -> tuple[str, ...]:
        """The mirrors that are used: the spec's `image.mirror` alone, or the vendor's own."""
        return (override.rstrip("/"),) if override else self.mirrors

    def written(self, override: str | None) -> tuple[str, ...]:
        """The mirrors that are written into the guest, where a folder of the host means nothing."""
        return self.mirrors if override and is_folder(override) else self.chosen(override)


@dataclass(frozen=True)
class Toolchain:
    """A newer compiler than the release's own, in a repository beside the others, under the same mirrors.

    That repository is signed with another key. One of the release's own packages brings it, so it needs no trust of
    its own.
    """

    repository: str
    path: str
    """Its folder under a mirror."""
    key_package: str
    key: str
    """Where that package puts the key."""
    packages: tuple[str, ...]
    programs: str
    """The folder of the compiler, which goes to the front of PATH."""


@dataclass(frozen=True)
class Epel:
    """EPEL for a guest, signed with another key, which a package of the vendor brings: it needs no trust of its own.

    It is for the operator's own packages; the bake takes none from it.
    """

    title: str
    mirrors: tuple[str, ...]
    """Addresses of its folder of the release, the first one first."""
    path: str
    """The repository's folder under a mirror."""
    key: str
    """Where the package puts the key."""
    key_package: str = "epel-release"
    key_paths: tuple[tuple[str, str], ...] = ()
    """The vendor's repository that has the package, name and folder, where none of the others has."""


def is_folder(mirror: str) -> bool:
    """Whether a mirror is a folder of this host."""
    return mirror.startswith("file:")
