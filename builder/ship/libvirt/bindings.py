"""libvirt's Python binding. It is compiled against the host's library, so it is Debian's package and no wheel."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from builder.errors import HostLacks, UserError

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
