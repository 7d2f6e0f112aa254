"""Programs compiled natively in a clean root of the guest's own system: no compiler in any image."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from builder.core import paths
from builder.core.files import sha256
from builder.core.progress import step
from builder.guests import Repositories, Toolchain, is_folder
from builder.rootfs import dnf, layers, mmdebstrap
from builder.rootfs.layers import Layer
from builder.rootfs.mirror import Mirror, host_address, mirror
from builder.rootfs.mmdebstrap import Recipe
from builder.sources import fetch, pin
from builder.spec.features import release

Library = Literal["openssl", "libnl", "snmp", "systemd"]
"""What a program may be linked with; each family has packages of other names for it."""

DEBIAN_LIBRARIES = MappingProxyType(
    {
        "openssl": ("libssl-dev",),
        "libnl": ("libnl-3-dev", "libnl-genl-3-dev"),
        "snmp": ("libsnmp-dev",),
        "systemd": ("libsystemd-dev",),
    }
)
RPM_LIBRARIES = MappingProxyType(
    {
        "openssl": ("openssl-devel",),
        "libnl": ("libnl3-devel",),
        "snmp": ("net-snmp-devel",),
        "systemd": ("systemd-devel",),
    }
)

CONFIGURE = ("pkgconfig", "coreutils", "sed", "grep", "gawk", "diffutils")
"""What configure scripts run; by name, because nothing but luck has all of it in the smallest root."""


@dataclass(frozen=True)
class Job:
    """One compilation: `script` gets the source, the tar to write, and the options."""

    source: Path
    script: Path
    options: tuple[str, ...]
    result: Path
    log: Path


class BuildRoot(Protocol):
    """A guest's operating system, as far as compiling for it goes."""

    @property
    def release(self) -> str:
        """Its name, which goes into a layer's inputs."""

    @property
    def needs_connection(self) -> bool:
        """Whether its packages come from a server."""

    def tools(self, libraries: tuple[Library, ...]) -> tuple[str, ...]:
        """The packages of a compiler and of these libraries."""

    def debian(self) -> str | None:
        """Address of the Debian mirror that may have the source; None without one."""

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        """Make a root with these packages, run the job in it, remove it."""


@dataclass(frozen=True)
class DebianBuildRoot:
    """A release of Debian, from the spec's mirror or this host's own."""

    release: str
    override: str | None = None
    needs_connection: bool = True

    def tools(self, libraries: tuple[Library, ...]) -> tuple[str, ...]:
        """gcc, make, and the development packages of the libraries."""
        wanted = (package for library in libraries for package in DEBIAN_LIBRARIES[library])
        return ("gcc", "libc6-dev", "make", "pkg-config", *wanted)

    def debian(self) -> str | None:
        """The main archive of the release."""
        return self._mirror().address

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        """In a root that mmdebstrap makes and removes."""
        work = job.log.parent.parent
        shutil.copyfile(job.source, work / "source.tar.gz")
        shutil.copyfile(job.script, work / "build.sh")
        words = " ".join(("/build/source.tar.gz", "/build/result.tar", *job.options))
        hooks = (
            'mkdir -p "$1/build"',
            f"upload {work}/source.tar.gz /build/source.tar.gz",
            f"upload {work}/build.sh /build/build.sh",
            f'chroot "$1" sh /build/build.sh {words}',
            f"download /build/result.tar {job.result}",
        )
        mmdebstrap.make_root(Recipe(self.release, tools, hooks), self._mirror(), Path("/dev/null"), job.log)

    def _mirror(self) -> Mirror:
        return mirror(self.release, self.override)


@dataclass(frozen=True)
class RpmBuildRoot:
    """A release of the RPM family, from the spec's mirror or the vendor's own; with its compiler or a newer one."""

    release: str
    repositories: Repositories
    override: str | None = None
    toolchain: Toolchain | None = None

    @property
    def needs_connection(self) -> bool:
        """Not where the spec's mirror is a folder of this host."""
        return not (self.override and is_folder(self.override))

    def tools(self, libraries: tuple[Library, ...]) -> tuple[str, ...]:
        """The compiler, make, what configure scripts run, what unpacks and packs, and the libraries' own."""
        wanted = (package for library in libraries for package in RPM_LIBRARIES[library])
        compiler = (self.toolchain.key_package, *self.toolchain.packages) if self.toolchain else ("gcc",)
        return (*compiler, "make", *CONFIGURE, "tar", "gzip", "findutils", *wanted)

    def debian(self) -> str | None:
        """This host's Debian mirror, which has the source of some releases."""
        return host_address()

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        """In a root that dnf makes, and that is removed at the end."""
        files = {"source.tar.gz": job.source, "build.sh": job.script}
        root = dnf.Root(self.repositories, self.repositories.chosen(self.override), tools, self.toolchain)
        dnf.compile_in(root, files, job.options, job.result, job.log)


@dataclass(frozen=True)
class Product:
    """A pinned source, compiled by `packer/NAME/build.sh`, which gets the source, the tar to write and the options."""

    name: str
    version: str
    libraries: tuple[Library, ...]
    options: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        """What compiles it, run in the root."""
        return paths.resources("packer", self.name, "build.sh")

    @property
    def result(self) -> str:
        """The file of the layer."""
        return f"{self.name}.tar"


def compile_product(product: Product, workshop: BuildRoot, *, offline: bool) -> Path:
    """A tar of what `make install` left, rooted at /.

    Cached by the digests of the source and of the recipe. Raises NotFetched without the source.
    """
    make = partial(_make, product, workshop, offline)
    return layers.layer(product.name, product_layer(product, workshop).inputs, make) / product.result


def product_layer(product: Product, workshop: BuildRoot) -> Layer:
    """What the result depends on."""
    own = {
        "release": workshop.release,
        "source": pin(product.name, product.version).digest,
        "tools": " ".join(workshop.tools(product.libraries)),
        "options": " ".join(product.options),
        "build.sh": sha256(product.script),
    }
    return Layer(product.name, own)


def _make(product: Product, workshop: BuildRoot, offline: bool, folder: Path) -> None:
    source = fetch.fetch(pin(product.name, product.version), offline=offline, debian=workshop.debian())
    if workshop.needs_connection:
        fetch.refuse_offline(offline, f"compiling {product.name} {product.version}")
    job = Job(source, product.script, product.options, folder / product.result, folder / "build.log")
    with step(f"compiling {product.name} {product.version} for {workshop.release}, natively"):
        workshop.compile(workshop.tools(product.libraries), job)


def keepalived_product(version: str, *, snmp: bool = False) -> Product:
    """That version, with SNMP where it is wanted."""
    if snmp:
        return Product("keepalived", version, ("openssl", "libnl", "snmp"), ("--enable-snmp",))
    return Product("keepalived", version, ("openssl", "libnl"))


def build_keepalived(workshop: BuildRoot, version: str, *, offline: bool, snmp: bool = False) -> Path:
    """A tar of it, rooted at /; from the cache or compiled now (builder.rootfs.compiled)."""
    return compile_product(keepalived_product(version, snmp=snmp), workshop, offline=offline)


def keepalived_layer(workshop: BuildRoot, version: str, *, snmp: bool = False) -> Layer:
    """What it depends on."""
    return product_layer(keepalived_product(version, snmp=snmp), workshop)


SPEAKS_TO_SYSTEMD = (3, 0)
"""The first release that tells systemd by itself that it is ready (`-Ws`); older ones need libsystemd."""


def build_haproxy(workshop: BuildRoot, version: str, *, offline: bool) -> Path:
    """A tar of it, rooted at /; from the cache or compiled now (builder.rootfs.compiled)."""
    return compile_product(_product(version), workshop, offline=offline)


def haproxy_layer(workshop: BuildRoot, version: str) -> Layer:
    """What it depends on."""
    return product_layer(_product(version), workshop)


def _product(version: str) -> Product:
    older: tuple[Library, ...] = ("systemd",) if release(version) < SPEAKS_TO_SYSTEMD else ()
    return Product("haproxy", version, ("openssl", *older))
