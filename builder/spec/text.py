"""The text of a spec file: a regular file of a bounded size, in UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path

from builder.errors import Problem, SpecError

LARGEST = 1 << 20
"""In bytes. A spec of 8 nodes and 100 services has about 50 000."""


def read(path: Path) -> str:
    """The text of the file; raises SpecError where there is none that could be a spec."""
    data = _bytes(path).removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise SpecError(
            [
                Problem(
                    str(path),
                    line,
                    column,
                    "the text is not UTF-8",
                    f"the byte 0x{data[error.start]:02x}",
                    "save the file as UTF-8",
                )
            ]
        ) from None


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            raise _refusal(path, f"this is {what}, and a spec is one YAML file", "give the path of the file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _refusal(path, "there is no such file", f"vipforge init {path} writes a spec to start from") from None
    except PermissionError:
        raise _refusal(path, "you may not read this file", "see its owner and mode with ls -l") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _refusal(path, f"the file cannot be read: {reason}") from None
    if len(data) > LARGEST:
        raise _refusal(path, f"the file is larger than {LARGEST >> 20} MiB", "a spec is a few kilobytes of YAML")
    return data


def _refusal(path: Path, reason: str, hint: str = "") -> SpecError:
    return SpecError([Problem(str(path), 1, 1, reason, hint=hint)])
