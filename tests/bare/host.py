"""The host's settings that a bare root needs: where packages come from, and how to reach them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
OWN_CERTIFICATES = Path("/usr/local/share/ca-certificates")
APT_SETTINGS = re.compile(
    r"^Acquire::(https?|Check-Valid-Until|Check-Date|Retries|ForceIPv[46]|Languages)\b.*;$", re.MULTILINE
)
"""Proxies, checks and limits of the host's apt; no other setting applies to another release."""
VARIABLES = re.compile(
    r"PIP_\w+|(http|https|no|all)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|CI|TERM", re.IGNORECASE
)
PATHS = re.compile(r"(file://)?(/[^\s'\",=]+)")
NETWORK = ("/etc/resolv.conf", "/etc/hosts")
SECONDS = 30


def apt_settings() -> str:
    """Return settings of the host's apt, in the format of apt.conf(5)."""
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, timeout=SECONDS, check=True)
    return "".join(f"{match[0]}\n" for match in APT_SETTINGS.finditer(dumped.stdout))


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command in the root: clean, with pip's settings and the proxies."""
    own = {"HOME": "/root", "USER": "root", "LOGNAME": "root", "LANG": "C.UTF-8", "SHELL": "/bin/bash"}
    path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    return {**own, **path, **{name: value for name, value in variables.items() if VARIABLES.fullmatch(name)}}


def copy_settings(root: Path) -> None:
    """Copy the host's name resolution, certificates and pip settings into the root."""
    for place in (*map(Path, NETWORK), *pip_files(Path.home())):
        if place.exists():
            home = Path.home()
            inside = Path("/root") / place.relative_to(home) if place.is_relative_to(home) else place
            _copy(place, inside_of(root, inside))
    if OWN_CERTIFICATES.is_dir():
        shutil.copytree(OWN_CERTIFICATES, inside_of(root, OWN_CERTIFICATES), dirs_exist_ok=True)
    if BUNDLE.exists():
        _copy(BUNDLE, inside_of(root, BUNDLE))


def pip_files(home: Path) -> tuple[Path, ...]:
    """Return where pip looks for its settings (pip's documentation, "Configuration files")."""
    return (Path("/etc/pip.conf"), Path("/etc/xdg/pip"), home / ".config/pip", home / ".pip")


def pip_folders(texts: Iterator[str]) -> tuple[Path, ...]:
    """Return the folders of this host that pip's settings name, such as a copy of an index.

    The pages of an index link to files beside it, so the folder is the index's parent.
    """
    named = (match for text in texts for match in PATHS.findall(text))
    folders = (
        Path(path).parent if scheme and Path(path).parent != Path("/") else Path(path) for scheme, path in named
    )
    return tuple(dict.fromkeys(each for each in folders if each.is_dir() and not each.is_relative_to("/etc")))


def pip_settings() -> Iterator[str]:
    """Yield pip's settings on this host: the texts of its files, and its variables."""
    for place in pip_files(Path.home()):
        files = [place] if place.is_file() else sorted(place.glob("*")) if place.is_dir() else []
        yield from (file.read_text(errors="replace") for file in files if file.is_file())
    yield from (value for name, value in os.environ.items() if name.startswith("PIP_"))


def inside_of(root: Path, path: Path) -> Path:
    """Return an absolute path below a root that is not entered yet."""
    return root / path.relative_to("/")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.unlink(missing_ok=True)  # a symbolic link in the root would lead out of it
        shutil.copyfile(source, target)
