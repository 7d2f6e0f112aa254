"""The format of SSH public keys."""

from __future__ import annotations

import base64
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from builder.spec.syntax import InvalidValue, is_on_a_line

LENGTH_BYTES = 4
"""The length of the number before each field of an SSH key."""
SSH_KEY = re.compile(r"(ssh-(rsa|ed25519)|ecdsa-sha2-nistp[0-9]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]{32,}={0,2}( .*)?\Z")
BEHIND_OPTIONS = re.compile(r"\S.* (?P<kind>ssh-rsa|ssh-ed25519|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9@.-]+) AAAA")
PLACEHOLDER = re.compile(r"\S+ (\S*(…|\.\.\.)|A{24})")
"""The start of an SSH key as examples show it; a real one begins with the length of its name, so not with 24 As."""


def ssh_key(text: str) -> str:
    """One public key in the format of authorized_keys."""
    if "PRIVATE KEY" in text:
        raise InvalidValue("must be a public key; this is a private one", "use the file whose name ends in .pub")
    text = text.strip()
    if PLACEHOLDER.match(text):
        raise InvalidValue(
            "must be your SSH public key, not a placeholder", "replace it by your public key, a line of ~/.ssh/*.pub"
        )
    if text.startswith("ssh-dss "):
        hint = "make another key with ssh-keygen -t ed25519, and give the line of its .pub file"
        raise InvalidValue("must not be a DSA key, which no guest accepts (OpenSSH 7.0)", hint)
    behind = None if SSH_KEY.match(text) else BEHIND_OPTIONS.match(text)
    if behind:
        raise InvalidValue(
            "must be a public key without options such as from=", f"leave out what stands before {behind['kind']}"
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


SshKey = Annotated[str, AfterValidator(ssh_key), Field(examples=["ssh-ed25519 AAAAC3Nza… ops@example.com"])]
