"""HashiCorp's Packer, told apart from other programs of that name.

Hosts of the RHEL family have cracklib's `/usr/sbin/packer`, which waits on stdin instead of telling a version.
So every `packer` on PATH is asked, with a limit, and the first usable one is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.errors import HostLacks, TimedOut, UserError
from builder.run import environment, run

OLDEST = (1, 6, 0)
"""The first release that reads HCL2 as JSON (`.pkr.json`)."""
ANSWER_SECONDS = 10
VERSION = re.compile(r"^Packer v(\d+\.\d+\.\d+)(\S*)", re.MULTILINE)
HINT = "apt-get install packer, or name HashiCorp's Packer in VIPFORGE_PACKER"


@dataclass(frozen=True)
class PackerFacts:
    """A usable Packer: where it is, its version to compare and to show (`(1, 6, 6)`, `1.6.6`)."""

    path: Path
    version: tuple[int, ...]
    text: str


def packer() -> PackerFacts:
    """The first usable Packer of PATH, or the one that VIPFORGE_PACKER names.

    Raises HostLacks, which says of each program of that name why it will not do.
    """
    refused = []
    for path in _candidates():
        try:
            return _ask(path)
        except UserError as reason:
            refused.append(reason.message)
    raise HostLacks("; ".join(refused) or "Packer is not installed", hint=HINT)


def _candidates() -> Iterator[Path]:
    named = os.environ.get("VIPFORGE_PACKER")
    if named:
        yield Path(named).absolute()
        return
    seen = set()
    for folder in environment()["PATH"].split(":"):
        path = Path(folder) / "packer"
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield path


def _ask(path: Path) -> PackerFacts:
    try:
        done = run([path, "version"], timeout=ANSWER_SECONDS, check=False, env={"CHECKPOINT_DISABLE": "1"})
    except TimedOut:
        raise HostLacks(f"{path} does not answer `version`: it is not HashiCorp's Packer") from None
    except OSError as failure:
        raise HostLacks(f"{path} cannot be started: {failure.strerror}") from None
    found = VERSION.search(done.out)
    if not found:
        raise HostLacks(f"{path} is not HashiCorp's Packer")
    version = tuple(int(number) for number in found[1].split("."))
    text = found[1] + found[2]
    if version < OLDEST:
        raise HostLacks(f"{path} is Packer {text}, and 1.6.0 or later is needed")
    return PackerFacts(path, version, text)
