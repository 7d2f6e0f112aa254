"""A bake's logs, and what of them a person wants to see when it fails."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from builder.bake.events import headline, parse
from builder.progress import Phases

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1f\x7f]")
PACKERS_FAREWELL = re.compile(
    r"Provisioning step had errors|Deleting output|==> Wait completed|==> Some builds|--> qemu|==> Builds finished"
)
"""What Packer says after every failure, whatever it was."""
LAST_LINES = 12


@dataclass(frozen=True)
class BakeLogs:
    """Where the logs of one bake lie."""

    folder: Path

    @property
    def console(self) -> Path:
        """What the guest wrote to its serial console."""
        return self.folder / "console.log"

    @property
    def provision(self) -> Path:
        """Packer's words, and the output of the provisioners."""
        return self.folder / "provision.log"

    @property
    def packer(self) -> Path:
        """Packer's own debug log."""
        return self.folder / "packer.log"

    def begin(self) -> None:
        """Start afresh: the logs of the bake before go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for log in (self.console, self.provision, self.packer):
            log.write_text("")

    def last_lines(self) -> list[str]:
        """The last lines of Packer and the provisioners, without what Packer says after every failure."""
        return _last_lines(self.provision)

    def last_words(self) -> str:
        """The last lines of the provisioners and of the console, with the paths of the whole logs."""
        parts = (("the provisioners", self.provision), ("the guest's console", self.console))
        return "\n".join(f"  last lines of {what} ({log}):\n{_tail(log)}" for what, log in parts)


@dataclass
class Follower:
    """Takes each line of Packer's output, keeps its words and shows its steps. `step` is the one it is in."""

    words: Path
    step: str = "starting Packer"
    phases: Phases = field(default_factory=Phases)

    def __call__(self, line: str) -> None:
        """Take one line."""
        event = parse(line)
        if event is None:
            return
        with self.words.open("a") as log:
            log.write(plain(event.text) + "\n")
        shown = headline(event)
        if shown:
            self.step = shown
            self.phases.begin(shown)


def plain(text: str) -> str:
    """Text without control characters, as a log or a pipe wants it."""
    return ESCAPES.sub("", text)


def _tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in _last_lines(log)) or "    (nothing)"


def _last_lines(log: Path) -> list[str]:
    lines = [line for line in plain(log.read_text(errors="replace")).splitlines() if line.strip()]
    return [line for line in lines if not PACKERS_FAREWELL.match(line)][-LAST_LINES:]
