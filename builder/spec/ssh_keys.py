"""SSH public keys: their format, and the user's own key."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.core.errors import UserError
from builder.core.run import find_program, run
from builder.spec.syntax import InvalidValue, is_on_a_line

LENGTH_BYTES = 4
"""The length of the number before each field of an SSH key."""
SSH_KEY = re.compile(r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp[0-9]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]{32,}={0,2}( .*)?\Z")
PLACEHOLDER = re.compile(r"\S+ (\S*(…|\.\.\.)|A{24})")
"""The start of an SSH key as examples show it; a real one begins with the length of its name, so not with 24 As."""
PREFERENCE = ("ssh-ed25519", "ecdsa-", "ssh-rsa")
"""Kinds of keys, best first. CentOS 7's sshd knows no others: keys of security tokens (sk-) came with OpenSSH 8.2."""
AGENT_SECONDS = 5


def ssh_key(text: str) -> str:
    """One public key in the format of authorized_keys."""
    if "PRIVATE KEY" in text:
        raise InvalidValue("must be a public key; this is a private one", "use the file whose name ends in .pub")
    text = text.strip()
    if PLACEHOLDER.match(text):
        raise InvalidValue(
            "must be your SSH public key, not a placeholder", "replace it by your public key, a line of ~/.ssh/*.pub"
        )
    if not SSH_KEY.match(text) or not all(map(is_on_a_line, text)):
        raise InvalidValue(
            "must be an SSH public key on one line", "copy the line from the file whose name ends in .pub"
        )
    kind, encoded = text.split()[:2]
    if not _holds_key(kind, encoded):
        raise InvalidValue(f"must be a whole {kind} key", "copy the line again from the file whose name ends in .pub")
    return text


def _holds_key(kind: str, encoded: str) -> bool:
    """Whether a key's Base64 is its own name and further fields, each after its length (RFC 4253, section 6.6)."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    fields = []
    while len(data) >= LENGTH_BYTES:
        end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
        if end > len(data):
            return False
        fields.append(data[LENGTH_BYTES:end])
        data = data[end:]
    return not data and len(fields) > 1 and fields[0] == kind.encode()


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

    Raises UserError if the file has no public key.
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
        raise UserError(f"{file} cannot be read: {reason}", hint="name a file such as ~/.ssh/id_ed25519.pub") from None
    except InvalidValue as invalid:
        raise UserError(f"{file} {invalid}", hint=invalid.hint) from None


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
