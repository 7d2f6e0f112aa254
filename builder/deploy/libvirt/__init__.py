"""Nodes as libvirt domains on one or more KVM hosts: the options, and libvirt's Python binding."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from builder.core.errors import HostLacks, UserError
from builder.deploy import Description, option

MODULE = "libvirt"
DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"


@cache
def binding() -> Any:  # noqa: ANN401 - the module has no types
    """Import `libvirt` from this environment or else from Debian's package; raises HostLacks without either."""
    try:
        module = importlib.import_module(MODULE)
    except ModuleNotFoundError:
        module = _debian_module()
    # Otherwise the library writes every error to stderr before it raises it.
    module.registerErrorHandler(lambda *_: None, None)
    return module


def _debian_module() -> Any:  # noqa: ANN401 - the module has no types
    sys.path.append(DEBIAN_PACKAGES)
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        raise HostLacks(
            f"libvirt's Python binding is missing ({error})", hint="apt-get install python3-libvirt"
        ) from None
    finally:
        sys.path.remove(DEBIAN_PACKAGES)


@contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Turn libvirt's errors into UserErrors that keep libvirt's message; `where` says what failed."""
    try:
        yield
    except binding().libvirtError as error:
        raise UserError(f"{where}: {error.get_error_message()}") from None


@dataclass(frozen=True)
class LibvirtOptions:
    """Options for the hosts; the spec supplies those that are not given."""

    connect: Sequence[str] = field(
        default=(), metadata=option("Host; repeat to spread the nodes. Default: the spec's hosts.")
    )
    pool: str = field(default="", metadata=option("Storage pool for images, disks and seeds."))
    network: str = field(default="", metadata=option("libvirt network for the nodes.", "deploy", "upgrade"))
    bridge: str = field(default="", metadata=option("Bridge on the hosts, instead of a network.", "deploy", "upgrade"))
    management_network: str = field(
        default="", metadata=option("libvirt network for the management cards.", "deploy", "upgrade")
    )
    management_bridge: str = field(
        default="", metadata=option("Bridge for the management cards, instead of a network.", "deploy", "upgrade")
    )
    print: Literal["xml", "commands"] | None = field(
        default=None, metadata=option("Create nothing; print domain XML or shell commands.", "deploy")
    )


DESCRIPTION = Description(
    options=LibvirtOptions,
    deploy="Create the nodes as libvirt domains from the cluster's baked image.",
    destroy="Remove the cluster's domains, disks and seeds, and its image unless another cluster uses it.",
)
