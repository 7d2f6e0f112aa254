"""Finding HashiCorp's Packer on this host among other programs named `packer`.

Hosts of the RHEL family have cracklib's `/usr/sbin/packer`, which waits on stdin instead of printing a version.
So every `packer` on PATH is run with a time limit, and the first usable one is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import HostLacks, TimedOut
from builder.core.run import environment, run

VARIABLE = "VIPFORGE_PACKER"
"""The environment variable that names the Packer to use."""
OLDEST = (1, 6, 0)
"""The first release that reads HCL2 as JSON (`.pkr.json`)."""
PLUGINS_APART_SINCE = (1, 10, 0)
"""Since this release, Packer's builders are plugins that are installed separately (CHANGELOG, 1.10.0)."""
ANSWER_SECONDS = 10
VERSION = re.compile(r"^Packer v(\d+\.\d+\.\d+)(\S*)", re.MULTILINE)
HINT = f"install HashiCorp's Packer, or set {VARIABLE} to its path"
NAMED_HINT = f"{VARIABLE} selects it; unset that variable to use a Packer on PATH or vipforge's own"


@dataclass(frozen=True)
class PackerFacts:
    """A usable Packer: its path, and its version as numbers and as text (`(1, 6, 6)`, `1.6.6`)."""

    path: Path
    version: tuple[int, ...]
    text: str


class NotPacker(HostLacks):
    """A program named `packer` is not HashiCorp's."""


class NoPacker(HostLacks):
    """This host has no usable Packer.

    `unfit` has the reason why each Packer that was found cannot be used; `is_named` tells whether
    VIPFORGE_PACKER selected it.
    """

    def __init__(self, refused: Sequence[HostLacks], *, is_named: bool) -> None:
        hints = [each.hint for each in refused if each.hint]
        message = "; ".join(each.message for each in refused)
        default_hint = NAMED_HINT if is_named else HINT
        super().__init__(message or "Packer is not installed", hint=next(iter(hints), default_hint))
        self.unfit = [each.message for each in refused if not isinstance(each, NotPacker)]
        self.is_named = is_named


def packer(plugin: str = "qemu") -> PackerFacts:
    """The first Packer on PATH that has a plugin's builders, or the one that VIPFORGE_PACKER names.

    Raises NoPacker, which says why each program named `packer` cannot be used.
    """
    named = os.environ.get(VARIABLE)
    refused = []
    for path in [Path(named).absolute()] if named else _on_path():
        try:
            return _with_plugin(query_packer(path), plugin)
        except HostLacks as reason:
            refused.append(reason)
    raise NoPacker(refused, is_named=bool(named))


def query_packer(path: Path) -> PackerFacts:
    """The version that a program reports; raises HostLacks if it is not a usable Packer."""
    try:
        done = run([path, "version"], timeout=ANSWER_SECONDS, check=False, env={"CHECKPOINT_DISABLE": "1"})
    except TimedOut:
        raise NotPacker(f"{path} does not answer `version`: it is not HashiCorp's Packer") from None
    except HostLacks:
        raise HostLacks(f"{path} was not found") from None
    except OSError as failure:
        raise HostLacks(f"{path} cannot be started: {failure.strerror}") from None
    reported = VERSION.search(done.out)
    if not reported:
        raise NotPacker(f"{path} is not HashiCorp's Packer")
    version = tuple(int(number) for number in reported[1].split("."))
    text = reported[1] + reported[2]
    if version < OLDEST:
        raise HostLacks(f"{path} is Packer {text}; 1.6.0 or later is required")
    return PackerFacts(path, version, text)


def _on_path() -> Iterator[Path]:
    seen = set()
    for folder in environment()["PATH"].split(":"):
        path = Path(folder) / "packer"
        if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in seen:
            seen.add(path.resolve())
            yield path


def _with_plugin(facts: PackerFacts, plugin: str) -> PackerFacts:
    """The same Packer, if it has the plugin: without it, Packer refuses the template even if it knows the builder."""
    if facts.version < PLUGINS_APART_SINCE:
        return facts
    try:
        installed = run([facts.path, "plugins", "installed"], timeout=ANSWER_SECONDS, check=False)
    except TimedOut:
        raise HostLacks(f"`{facts.path} plugins installed` did not answer within {ANSWER_SECONDS} s") from None
    if f"packer-plugin-{plugin}_" not in installed.out:
        raise HostLacks(
            f"Packer {facts.text} ({facts.path}) has no {plugin} builder",
            hint=f"run: {facts.path} plugins install github.com/hashicorp/{plugin} (what `packer init` does)",
        )
    return facts
