"""Nodes as libvirt domains on one or several KVM hosts: the options, and libvirt's Python binding."""

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

DEBIAN = "/usr/lib/python3/dist-packages"


NAME = "libvirt"


@cache
def binding() -> Any:  # noqa: ANN401 - the module has no types
    """The module `libvirt`: this environment's own, or Debian's; raises HostLacks without either."""
    try:
        module = importlib.import_module(NAME)
    except ModuleNotFoundError:
        module = _debians()
    # Without this the library writes every error to stderr before it raises it.
    module.registerErrorHandler(lambda *_: None, None)
    return module


def _debians() -> Any:  # noqa: ANN401 - the module has no types
    sys.path.append(DEBIAN)
    try:
        return importlib.import_module(NAME)
    except ImportError as error:
        raise HostLacks(
            f"libvirt's Python binding is missing ({error})", hint="apt-get install python3-libvirt"
        ) from None
    finally:
        sys.path.remove(DEBIAN)


@contextmanager
def translate_errors(where: str) -> Iterator[None]:
    """Turn an error of libvirt into a UserError in libvirt's words."""
    try:
        yield
    except binding().libvirtError as error:
        raise UserError(f"{where}: {error.get_error_message()}") from None


@dataclass(frozen=True)
class LibvirtOptions:
    """What an operator may say about the hosts; what is left out is taken from the spec."""

    connect: Sequence[str] = field(
        default=(), metadata=option("Host; repeat it to spread the nodes. Left out, the spec's.")
    )
    pool: str = field(default="", metadata=option("Storage pool for images, disks and seeds."))
    network: str = field(default="", metadata=option("The nodes' libvirt network.", "deploy", "upgrade"))
    bridge: str = field(
        default="", metadata=option("The hosts' bridge for the nodes, instead of a network.", "deploy", "upgrade")
    )
    print: Literal["xml", "commands"] | None = field(
        default=None, metadata=option("Create nothing: print domain XML, or shell commands.", "deploy")
    )


DESCRIPTION = Description(
    options=LibvirtOptions,
    deploy="Create the nodes as libvirt domains, from the cluster's baked image.",
    destroy="Remove the cluster's domains, disks, seeds, and its image if no other cluster uses it.",
)
