r"""What Packer says, made readable: its `-machine-readable` lines as events.

A line is `time,target,kind,data…`; commas in data are written `%!(PACKER_COMMA)` and line ends `\n`
(Packer's documentation, "Machine-Readable Output").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FIELDS_BEFORE_DATA = 3
BUILD_PREFIX = re.compile(r"^\s*(==> )?[a-z-]+\.[a-z0-9_-]+: ?", re.MULTILINE)

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
class Event:
    """One thing that Packer said: `say` (its own steps), `message` (output of the guest) or `error`."""

    kind: str
    text: str


def parse(line: str) -> Event | None:
    """The event in one line of Packer's output; None for lines that say nothing to a person."""
    fields = line.split(",")
    if len(fields) <= FIELDS_BEFORE_DATA or fields[2] != "ui":
        return None
    kind, data = fields[3], ",".join(fields[FIELDS_BEFORE_DATA + 1 :])
    text = data.replace("%!(PACKER_COMMA)", ",").replace("\\n", "\n").replace("\\r", "\r")
    return Event(kind, BUILD_PREFIX.sub("", text).strip("\r\n"))


def headline(event: Event) -> str | None:
    """What to show of an event as progress: Packer's steps in our words, and the guest's own `==>` lines."""
    if event.kind == "say":
        return next((words for start, words in STEPS.items() if event.text.startswith(start)), None)
    if event.text.startswith("==> "):
        return event.text.removeprefix("==> ")
    return None
