"""A signature of SHA256SUMS, which covers all the rest: by minisign or by GnuPG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from builder.errors import UserError
from builder.papers import sums
from builder.run import Argv, need, run

SECONDS = 60
MINISIGN, GPG = f"{sums.NAME}.minisig", f"{sums.NAME}.asc"
HINT = "the key must open without a question: minisign -G -W makes such a one, and gpg-agent keeps a passphrase"


@dataclass(frozen=True)
class Verdict:
    """What a signature is worth here, and why."""

    state: Literal["good", "bad", "unsigned", "not checked"]
    detail: str


def sign(folder: Path, key: str) -> Path:
    """Sign with minisign where `key` is a file, else with that GPG key; returns the signature's path.

    Raises HostLacks where the program is missing, CommandFailed in its own words.
    """
    with_minisign = Path(key).is_file()
    path, signed = folder / (MINISIGN if with_minisign else GPG), folder / sums.NAME
    command: Argv
    if with_minisign:
        command = [need("minisign", "minisign"), "-S", "-s", key, "-x", path, "-m", signed]
    else:
        gpg = [need("gpg", "gnupg"), "--batch", "--yes", "--armor", "--local-user", key]
        command = [*gpg, "--output", path, "--detach-sign", signed]
    withdraw(folder)
    run(command, timeout=SECONDS, hint=HINT)
    return path


def withdraw(folder: Path) -> None:
    """Remove the signatures of what is about to be replaced."""
    for name in (MINISIGN, GPG):
        (folder / name).unlink(missing_ok=True)


def verdict(folder: Path, public_key: Path | None = None) -> Verdict:
    """Check the signature: minisign's by `public_key`, GPG's by the user's own keyring."""
    if (folder / MINISIGN).is_file():
        return _minisign(folder, public_key)
    if (folder / GPG).is_file():
        return _gpg(folder)
    if public_key:
        return Verdict("bad", "there is no signature")
    return Verdict("unsigned", "there is no signature")


def _minisign(folder: Path, public_key: Path | None) -> Verdict:
    if public_key is None:
        return Verdict("not checked", "signed with minisign: name its public key with --key")
    if not public_key.is_file():
        raise UserError(f"{public_key} is missing", hint="name the signer's minisign.pub")
    signed = ("-x", folder / MINISIGN, "-m", folder / sums.NAME)
    done = run([need("minisign", "minisign"), "-V", "-p", public_key, *signed], timeout=SECONDS, check=False)
    return _judged(done.code, done.out + done.err)


def _gpg(folder: Path) -> Verdict:
    command: Argv = [need("gpg", "gnupg"), "--batch", "--verify", folder / GPG, folder / sums.NAME]
    done = run(command, timeout=SECONDS, check=False)
    if done.code and "No public key" in done.err:
        return Verdict("not checked", "signed with GPG by a key that your keyring lacks")
    return _judged(done.code, done.err)


def _judged(code: int, said: str) -> Verdict:
    lines = [line for line in said.splitlines() if "ignature" in line] or said.splitlines() or [""]
    return Verdict("bad" if code else "good", lines[-1].strip())
