"""SHA256SUMS: one line a file, as sha256sum(1) writes and checks them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from builder.errors import UserError
from builder.files import sha256

NAME = "SHA256SUMS"


def text(digests: Mapping[str, str]) -> str:
    """The file's text, in the order of the names."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def read(folder: Path) -> dict[str, str]:
    """File name to digest; raises UserError where there is no such file, or one with another content."""
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{path} is missing", hint="`vipforge image SPEC` writes an image's papers")
    lines = [line.split("  ", 1) for line in path.read_text(errors="replace").splitlines()]
    if any(len(parts) != len(("digest", "name")) or "/" in parts[-1] for parts in lines):
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again")
    return {name: digest for digest, name in lines}


def differing(folder: Path) -> list[str]:
    """The files that are missing, or whose digest is another one."""
    return [name for name, digest in read(folder).items() if not _is(folder / name, digest)]


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest
