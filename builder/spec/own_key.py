"""The user's own SSH public key, for a new spec: from the ssh-agent, or from ~/.ssh."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import InvalidOption
from builder.core.run import find_program, run
from builder.spec.ssh_keys import ssh_key
from builder.spec.syntax import InvalidValue

PREFERENCE = ("ssh-ed25519", "ecdsa-", "ssh-rsa")
"""Kinds of keys, best first. CentOS 7's sshd knows no others: keys of security tokens (sk-) came with OpenSSH 8.2."""
AGENT_SECONDS = 5


@dataclass(frozen=True)
class OwnKey:
    """A public key, as authorized_keys has it, and where it was found."""

    text: str
    origin: str

    @property
    def name(self) -> str:
        """Its kind and its comment, or else its last characters, for messages."""
        kind, encoded, *comment = self.text.split(maxsplit=2)
        return f"{kind} {comment[0] if comment else f'…{encoded[-8:]}'}"


def own_key(file: Path | None = None) -> OwnKey | None:
    """The public key in a file, or else the user's preferred key of the ssh-agent or ~/.ssh; None if there is none.

    Raises InvalidOption if the file has no public key.
    """
    if file is not None:
        return OwnKey(_key_of(file), str(file))
    found = [*_of_the_agent(), *_of_the_home()]
    usable = [key for key in found if key.text.startswith(PREFERENCE)]
    return min(usable, key=_rank, default=None)


def _rank(key: OwnKey) -> int:
    return next(index for index, kind in enumerate(PREFERENCE) if key.text.startswith(kind))


def _key_of(file: Path) -> str:
    try:
        return ssh_key(file.expanduser().read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        hint = "name a file such as ~/.ssh/id_ed25519.pub"
        raise InvalidOption(f"{file} cannot be read: {reason}", hint=hint) from None
    except InvalidValue as invalid:
        raise InvalidOption(f"{file} {invalid}", hint=invalid.hint) from None


def _of_the_agent() -> Iterator[OwnKey]:
    if not os.environ.get("SSH_AUTH_SOCK") or not find_program("ssh-add"):
        return
    listed = run(["ssh-add", "-L"], timeout=AGENT_SECONDS, check=False)
    yield from (OwnKey(text, "the ssh-agent") for text in _valid(listed.out.splitlines()))


def _of_the_home() -> Iterator[OwnKey]:
    for path in sorted(Path.home().glob(".ssh/*.pub")):
        try:
            lines = path.read_text().splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        yield from (OwnKey(text, str(path)) for text in _valid(lines))


def _valid(lines: list[str]) -> Iterator[str]:
    """The lines that are public keys; certificates are none (ssh-keygen(1))."""
    for line in lines:
        try:
            text = ssh_key(line)
        except InvalidValue:
            continue
        yield text if text.isprintable() else " ".join(text.split()[:2])
