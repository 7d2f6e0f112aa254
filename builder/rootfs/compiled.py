"""Programs compiled natively in a clean root of the guest's operating system, so that no image contains a compiler."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from builder.core import paths
from builder.core.files import sha256
from builder.core.progress import step
from builder.core.quoting import shell_word
from builder.guests import Repositories, Toolchain, is_folder
from builder.rootfs import dnf, layers, mmdebstrap
from builder.rootfs.layers import Layer
from builder.rootfs.mirror import Mirror, host_address, mirror
from builder.rootfs.mmdebstrap import Recipe
from builder.sources import fetch, pin
from builder.spec.values import release

Library = Literal["openssl", "libnl", "snmp", "systemd"]
"""A library to link with; its packages have different names in each family."""

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

CONFIGURE_TOOLS = ("pkgconfig", "coreutils", "sed", "grep", "gawk", "diffutils")
"""Programs that configure scripts run. They are listed because a minimal root need not contain all of them."""

SYSTEMD_NOTIFY_SINCE = (3, 0)
"""The first HAProxy that notifies systemd by itself (`-Ws`); older ones need libsystemd for that."""


@dataclass(frozen=True)
class Job:
    """One compilation: `script` is given the source, the tar to write, and the options."""

    source: Path
    script: Path
    options: tuple[str, ...]
    result: Path
    log: Path


class BuildRoot(Protocol):
    """A root of a guest's operating system in which programs can be compiled for it."""

    @property
    def release(self) -> str:
        """The name of the release, which is an input of layers."""

    @property
    def needs_connection(self) -> bool:
        """Whether its packages are downloaded from a server."""

    def tools(self, libraries: tuple[Library, ...]) -> tuple[str, ...]:
        """The packages of the compiler and of these libraries."""

    def debian(self) -> str | None:
        """The address of a Debian mirror that may have the source; None if there is none."""

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        """Create a root with these packages, run the job in it, and remove it."""


@dataclass(frozen=True)
class DebianBuildRoot:
    """A release of Debian, from the spec's mirror or this host's."""

    release: str
    override: str | None = None
    needs_connection: bool = True

    def tools(self, libraries: tuple[Library, ...]) -> tuple[str, ...]:
        """gcc, make, and the development packages of the libraries."""
        development = (package for library in libraries for package in DEBIAN_LIBRARIES[library])
        return ("gcc", "libc6-dev", "make", "pkg-config", *development)

    def debian(self) -> str | None:
        """The main archive of the release."""
        return self._mirror().address

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        """Run the job in a root that mmdebstrap creates and removes."""
        work = job.log.parent.parent
        shutil.copyfile(job.source, work / "source.tar.gz")
        shutil.copyfile(job.script, work / "build.sh")
        words = shlex.join(("/build/source.tar.gz", "/build/result.tar", *job.options))
        hooks = (
            'mkdir -p "$1/build"',
            f"upload {shell_word(str(work))}/source.tar.gz /build/source.tar.gz",
            f"upload {shell_word(str(work))}/build.sh /build/build.sh",
            f'chroot "$1" sh /build/build.sh {words}',
            f"download /build/result.tar {shell_word(str(job.result))}",
        )
        mmdebstrap.make_root(Recipe(self.release, tools, hooks), self._mirror(), Path("/dev/null"), job.log)

    def _mirror(self) -> Mirror:
        return mirror(self.release, self.override)


@dataclass(frozen=True)
class RpmBuildRoot:
    """A release of the RPM family, from the spec's mirror or the vendor's, with its own compiler or a newer one."""

    release: str
    repositories: Repositories
    override: str | None = None
    toolchain: Toolchain | None = None

    @property
    def needs_connection(self) -> bool:
        """True, unless the spec's mirror is a folder on this host."""
        return not (self.override and is_folder(self.override))

    def tools(self, libraries: tuple[Library, ...]) -> tuple[str, ...]:
        """The compiler, make, programs for configure and archives, and the development packages of the libraries."""
        development = (package for library in libraries for package in RPM_LIBRARIES[library])
        compiler = (self.toolchain.key_package, *self.toolchain.packages) if self.toolchain else ("gcc",)
        return (*compiler, "make", *CONFIGURE_TOOLS, "tar", "gzip", "findutils", *development)

    def debian(self) -> str | None:
        """This host's Debian mirror, which has the sources of some versions."""
        return host_address()

    def compile(self, tools: tuple[str, ...], job: Job) -> None:
        """Run the job in a root that dnf creates; the workspace with it is removed at the end."""
        files = {"source.tar.gz": job.source, "build.sh": job.script}
        root = dnf.Root(self.repositories, self.repositories.bake_mirrors(self.override), tools, self.toolchain)
        dnf.compile_in(root, files, job.options, job.result, job.log)


@dataclass(frozen=True)
class Product:
    """A program to compile from a pinned source with `packer/NAME/build.sh`."""

    name: str
    version: str
    libraries: tuple[Library, ...]
    options: tuple[str, ...] = ()

    @property
    def script(self) -> Path:
        """The script that compiles it inside the root."""
        return paths.resources("packer", self.name, "build.sh")

    @property
    def result(self) -> str:
        """The file name of the resulting tar in the layer."""
        return f"{self.name}.tar"


def compile_product(product: Product, build_root: BuildRoot, *, offline: bool) -> Path:
    """A tar of what `make install` installed, rooted at /; from the cache, or compiled now.

    Raises NotFetched if the source is unavailable.
    """
    make = partial(_make, product, build_root, offline)
    return layers.layer(product.name, product_layer(product, build_root).inputs, make) / product.result


def product_layer(product: Product, build_root: BuildRoot) -> Layer:
    """The layer of a compiled program, with everything that the result depends on."""
    inputs = {
        "release": build_root.release,
        "source": pin(product.name, product.version).digest,
        "tools": " ".join(build_root.tools(product.libraries)),
        "options": " ".join(product.options),
        "build.sh": sha256(product.script),
    }
    return Layer(product.name, inputs)


def _make(product: Product, build_root: BuildRoot, offline: bool, folder: Path) -> None:
    source = fetch.fetch(pin(product.name, product.version), offline=offline, debian=build_root.debian())
    if build_root.needs_connection:
        fetch.refuse_offline(offline, f"compiling {product.name} {product.version}")
    job = Job(source, product.script, product.options, folder / product.result, folder / "build.log")
    with step(f"compiling {product.name} {product.version} for {build_root.release}, natively"):
        build_root.compile(build_root.tools(product.libraries), job)


def keepalived_product(version: str, *, snmp: bool = False) -> Product:
    """Keepalived in this version, with or without SNMP."""
    if snmp:
        return Product("keepalived", version, ("openssl", "libnl", "snmp"), ("--enable-snmp",))
    return Product("keepalived", version, ("openssl", "libnl"))


def build_keepalived(build_root: BuildRoot, version: str, *, offline: bool, snmp: bool = False) -> Path:
    """A tar of keepalived, as compile_product returns it."""
    return compile_product(keepalived_product(version, snmp=snmp), build_root, offline=offline)


def keepalived_layer(build_root: BuildRoot, version: str, *, snmp: bool = False) -> Layer:
    """The layer of keepalived, with everything that it depends on."""
    return product_layer(keepalived_product(version, snmp=snmp), build_root)


def build_haproxy(build_root: BuildRoot, version: str, *, offline: bool) -> Path:
    """A tar of HAProxy, as compile_product returns it."""
    return compile_product(_haproxy_product(version), build_root, offline=offline)


def haproxy_layer(build_root: BuildRoot, version: str) -> Layer:
    """The layer of HAProxy, with everything that it depends on."""
    return product_layer(_haproxy_product(version), build_root)


def _haproxy_product(version: str) -> Product:
    systemd: tuple[Library, ...] = ("systemd",) if release(version) < SYSTEMD_NOTIFY_SINCE else ()
    return Product("haproxy", version, ("openssl", *systemd))
