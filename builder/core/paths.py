"""Where files live: those that ship with vipforge, the user's cache, and the state of running labs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from builder.core.errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]


def resources(*parts: str) -> Path:
    """A file or folder that ships with vipforge: packer/, cloud-init/, examples/.

    In a checkout they are beside the package; a wheel has them inside it.
    """
    for home in (PACKAGE.parent, PACKAGE / "_resources"):
        if (home / "packer" / "overlay").is_dir():
            return home.joinpath(*parts)
    raise UserError("this installation of vipforge has no packer/ folder", hint="reinstall vipforge")


def cache(*parts: str) -> Path:
    """The cache of sources and layers: $VIPFORGE_CACHE, or the user's cache folder."""
    home = os.environ.get("VIPFORGE_CACHE") or platformdirs.user_cache_dir("vipforge", appauthor=False)
    return Path(home).absolute().joinpath(*parts)


def state(*parts: str) -> Path:
    """What later commands must find again (running labs): $VIPFORGE_STATE, or the user's state folder."""
    home = os.environ.get("VIPFORGE_STATE") or platformdirs.user_state_dir("vipforge", appauthor=False)
    return Path(home).absolute().joinpath(*parts)


def build_folder(cluster: str, *parts: str) -> Path:
    """The folder of what is built for one cluster (image, seeds, logs): $VIPFORGE_BUILD or ./build, then its name."""
    return Path(os.environ.get("VIPFORGE_BUILD") or "build").absolute().joinpath(cluster, *parts)
