"""Packer's output: machine-readable events, the logs of a bake, and the lines that explain a failure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from builder.core.progress import Phases

FIELDS_BEFORE_DATA = 3
BUILD_PREFIX = re.compile(r"^\s*(==> )?[a-z-]+\.[a-z0-9_-]+: ?", re.MULTILINE)

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1f\x7f]")
CLOSING_LINES = re.compile(
    r"Provisioning step had errors|Deleting output|==> Wait completed|==> Some builds|--> qemu|==> Builds finished"
)
"""Packer prints these lines after any failure."""
LAST_LINES = 12

STEPS = {
    "Retrieving ISO": "checking the foundation",
    "Creating CD disk": "writing the bake's seed",
    "Starting VM": "starting the guest",
    "Waiting for SSH": "waiting for the guest's SSH",
    "Connected to SSH": "the guest is up",
    "Uploading": "uploading the appliance's files",
    "Gracefully halting": "shutting the guest down",
}


@dataclass(frozen=True)
class PackerEvent:
    """One message from Packer: `say` (a step of its own), `message` (output of the guest) or `error`."""

    kind: str
    text: str


def parse_event(line: str) -> PackerEvent | None:
    """The event in one line of Packer's output; None for lines that are not messages for a user."""
    fields = line.split(",")
    if len(fields) <= FIELDS_BEFORE_DATA or fields[2] != "ui":
        return None
    kind, data = fields[3], ",".join(fields[FIELDS_BEFORE_DATA + 1 :])
    text = data.replace("%!(PACKER_COMMA)", ",").replace("\\n", "\n").replace("\\r", "\r")
    return PackerEvent(kind, BUILD_PREFIX.sub("", text).strip("\r\n"))


def headline(event: PackerEvent) -> str | None:
    """The progress line for an event: a step of Packer in our words, or a `==>` line of the guest; else None."""
    if event.kind == "say":
        return next((words for start, words in STEPS.items() if event.text.startswith(start)), None)
    if event.text.startswith("==> "):
        return event.text.removeprefix("==> ")
    return None


@dataclass(frozen=True)
class BakeLogs:
    """The log files of one bake."""

    folder: Path

    @property
    def console(self) -> Path:
        """The output of the guest's serial console."""
        return self.folder / "console.log"

    @property
    def provision(self) -> Path:
        """Packer's messages, and the output of the provisioners."""
        return self.folder / "provision.log"

    @property
    def packer(self) -> Path:
        """Packer's own debug log."""
        return self.folder / "packer.log"

    def begin(self) -> None:
        """Create empty logs; the logs of the previous bake are lost."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for log in (self.console, self.provision, self.packer):
            log.write_text("")

    def last_lines(self) -> list[str]:
        """The last lines from Packer and the provisioners, without those that Packer prints after any failure."""
        return _last_lines(self.provision)

    def excerpts(self) -> str:
        """The last lines of the provisioners and of the console, with the paths of the complete logs."""
        parts = (("the provisioners", self.provision), ("the guest's console", self.console))
        return "\n".join(f"  last lines of {what} ({log}):\n{_tail(log)}" for what, log in parts)


@dataclass
class LogFollower:
    """Logs each line of Packer's output and shows its steps as progress. `step` is the current step."""

    log: Path
    step: str = "starting Packer"
    phases: Phases = field(default_factory=Phases)

    def __call__(self, line: str) -> None:
        """Process one line of output."""
        event = parse_event(line)
        if event is None:
            return
        with self.log.open("a") as log:
            log.write(plain(event.text) + "\n")
        shown = headline(event)
        if shown:
            self.step = shown
            self.phases.begin(shown)


def plain(text: str) -> str:
    """The text without control characters, for a log or a pipe."""
    return ESCAPES.sub("", text)


def _tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in _last_lines(log)) or "    (nothing)"


def _last_lines(log: Path) -> list[str]:
    lines = [line for line in plain(log.read_text(errors="replace")).splitlines() if line.strip()]
    return [line for line in lines if not CLOSING_LINES.match(line)][-LAST_LINES:]
