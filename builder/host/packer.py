"""HashiCorp's Packer on this host, told apart from other programs of that name.

Hosts of the RHEL family have cracklib's `/usr/sbin/packer`, which waits on stdin instead of telling a version.
So every `packer` on PATH is asked, with a limit, and the first usable one is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import HostLacks, TimedOut
from builder.core.run import environment, run

NAMED = "VIPFORGE_PACKER"
"""Names the Packer to use, in the environment."""
OLDEST = (1, 6, 0)
"""The first release that reads HCL2 as JSON (`.pkr.json`)."""
PLUGINS_APART_SINCE = (1, 10, 0)
"""From this release on Packer comes without its builders, which are plugins to be installed (CHANGELOG, 1.10.0)."""
ANSWER_SECONDS = 10
VERSION = re.compile(r"^Packer v(\d+\.\d+\.\d+)(\S*)", re.MULTILINE)
HINT = f"install HashiCorp's Packer, or name one in {NAMED}"
NAMED_HINT = f"{NAMED} names it; without that variable, a Packer of PATH or vipforge's own is used"


@dataclass(frozen=True)
class PackerFacts:
    """A usable Packer: where it is, its version to compare and to show (`(1, 6, 6)`, `1.6.6`)."""

    path: Path
    version: tuple[int, ...]
    text: str


class NotPacker(HostLacks):
    """A program of that name is not HashiCorp's."""


class NoPacker(HostLacks):
    """This host has no usable Packer.

    `unfit` says of each Packer that was found why it will not do; `is_named` is whether somebody chose it.
    """

    def __init__(self, refused: Sequence[HostLacks], *, is_named: bool) -> None:
        hints = [each.hint for each in refused if each.hint]
        message = "; ".join(each.message for each in refused)
        otherwise = NAMED_HINT if is_named else HINT
        super().__init__(message or "Packer is not installed", hint=next(iter(hints), otherwise))
        self.unfit = [each.message for each in refused if not isinstance(each, NotPacker)]
        self.is_named = is_named


def packer(plugin: str = "qemu") -> PackerFacts:
    """The first Packer of PATH that has the builders of a plugin, or the one that VIPFORGE_PACKER names.

    Raises NoPacker, which says of each program of that name why it will not do.
    """
    named = os.environ.get(NAMED)
    refused = []
    for path in [Path(named).absolute()] if named else _on_path():
        try:
            return _with_plugin(ask_packer(path), plugin)
        except HostLacks as reason:
            refused.append(reason)
    raise NoPacker(refused, is_named=bool(named))


def ask_packer(path: Path) -> PackerFacts:
    """What a program says of itself; raises HostLacks where it is no usable Packer."""
    try:
        done = run([path, "version"], timeout=ANSWER_SECONDS, check=False, env={"CHECKPOINT_DISABLE": "1"})
    except TimedOut:
        raise NotPacker(f"{path} does not answer `version`: it is not HashiCorp's Packer") from None
    except HostLacks:
        raise HostLacks(f"{path} was not found") from None
    except OSError as failure:
        raise HostLacks(f"{path} cannot be started: {failure.strerror}") from None
    found = VERSION.search(done.out)
    if not found:
        raise NotPacker(f"{path} is not HashiCorp's Packer")
    version = tuple(int(number) for number in found[1].split("."))
    text = found[1] + found[2]
    if version < OLDEST:
        raise HostLacks(f"{path} is Packer {text}, and 1.6.0 or later is needed")
    return PackerFacts(path, version, text)


def _on_path() -> Iterator[Path]:
    seen = set()
    for folder in environment()["PATH"].split(":"):
        path = Path(folder) / "packer"
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield path


def _with_plugin(facts: PackerFacts, plugin: str) -> PackerFacts:
    """The same Packer, if it has the plugin; Packer refuses the template without it, whatever builders it knows."""
    if facts.version < PLUGINS_APART_SINCE:
        return facts
    try:
        asked = run([facts.path, "plugins", "installed"], timeout=ANSWER_SECONDS, check=False)
    except TimedOut:
        raise HostLacks(f"{facts.path} does not answer `plugins installed` within {ANSWER_SECONDS} s") from None
    if f"packer-plugin-{plugin}_" not in asked.out:
        raise HostLacks(
            f"Packer {facts.text} ({facts.path}) has no {plugin} builder",
            hint=f"{facts.path} plugins install github.com/hashicorp/{plugin}, which is what `packer init` does",
        )
    return facts
