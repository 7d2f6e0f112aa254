"""The signature of SHA256SUMS, by minisign or ssh-keygen; inspecting an image, and comparing two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from builder.core.errors import UserError
from builder.core.run import Argv, need, run
from builder.image import attest

SECONDS = 60
HINT = "the key must open without a question: minisign -G -W makes such a one, and gpg-agent keeps a passphrase"


@dataclass(frozen=True)
class SignatureVerdict:
    """What a signature is worth here, and why."""

    state: Literal["good", "bad", "unsigned", "not checked"]
    detail: str


def sign(folder: Path, key: str) -> Path:
    """Sign with minisign where `key` is a file, else with that GPG key; returns the signature's path.

    Raises HostLacks where the program is missing, CommandFailed in its own words.
    """
    with_minisign = Path(key).is_file()
    path, signed = folder / (attest.MINISIGN if with_minisign else attest.GPG), folder / attest.CHECKSUMS_NAME
    command: Argv
    if with_minisign:
        command = [need("minisign", "minisign"), "-S", "-s", key, "-x", path, "-m", signed]
    else:
        gpg = [need("gpg", "gnupg"), "--batch", "--yes", "--armor", "--local-user", key]
        command = [*gpg, "--output", path, "--detach-sign", signed]
    attest.withdraw(folder)
    run(command, timeout=SECONDS, hint=HINT)
    return path


def verdict(folder: Path, public_key: Path | None = None) -> SignatureVerdict:
    """Check the signature: minisign's by `public_key`, GPG's by the user's own keyring."""
    if (folder / attest.MINISIGN).is_file():
        return _minisign(folder, public_key)
    if (folder / attest.GPG).is_file():
        return _gpg(folder)
    if public_key:
        return SignatureVerdict("bad", "there is no signature")
    return SignatureVerdict("unsigned", "there is no signature")


def _minisign(folder: Path, public_key: Path | None) -> SignatureVerdict:
    if public_key is None:
        return SignatureVerdict("not checked", "signed with minisign: name its public key with --key")
    if not public_key.is_file():
        raise UserError(f"{public_key} is missing", hint="name the signer's minisign.pub")
    signed = ("-x", folder / attest.MINISIGN, "-m", folder / attest.CHECKSUMS_NAME)
    done = run([need("minisign", "minisign"), "-V", "-p", public_key, *signed], timeout=SECONDS, check=False)
    return _judged(done.code, done.out + done.err)


def _gpg(folder: Path) -> SignatureVerdict:
    command: Argv = [need("gpg", "gnupg"), "--batch", "--verify", folder / attest.GPG, folder / attest.CHECKSUMS_NAME]
    done = run(command, timeout=SECONDS, check=False)
    if done.code and "No public key" in done.err:
        return SignatureVerdict("not checked", "signed with GPG by a key that your keyring lacks")
    return _judged(done.code, done.err)


def _judged(code: int, said: str) -> SignatureVerdict:
    lines = [line for line in said.splitlines() if "ignature" in line] or said.splitlines() or [""]
    return SignatureVerdict("bad" if code else "good", lines[-1].strip())


MIB = 1 << 20


@dataclass(frozen=True)
class Inspection:
    """What the papers say, and what is wrong with them."""

    image: str
    manifest: dict[str, Any]
    faults: list[str]
    signature: SignatureVerdict
    components: int

    @property
    def good(self) -> bool:
        """Whether every paper agrees with the image, and its signature, if there is one, is not bad."""
        return not self.faults and self.signature.state != "bad"


def inspect(image: Path, public_key: Path | None = None) -> Inspection:
    """Read the papers beside the image and check all of them; raises UserError where they are missing."""
    folder = image.parent
    manifest = record(image)
    bill, statement = _json(folder / attest.SBOM_NAME), _json(folder / attest.PROVENANCE_NAME)
    faults = [f"{name}: its SHA-256 is not the one of {attest.CHECKSUMS_NAME}" for name in attest.differing(folder)]
    faults += _disagreements(image.name, manifest, bill, statement)
    found = verdict(folder, public_key)
    return Inspection(str(image), manifest, faults, found, len(bill.get("components", ())))


def record(image: Path) -> dict[str, Any]:
    """The manifest beside the image; raises UserError where it is missing."""
    return _json(image.parent / "manifest.json")


def report(found: Inspection, *, as_json: bool) -> str:
    """The inspection for programs, or for people: what it is, what went in, and what the checks say."""
    if as_json:
        return json.dumps({**asdict(found), "good": found.good}, indent=2)
    known = found.manifest
    lines = [
        f"{found.image}: {known['cluster']}, {known['guest']}, made {known['made']}",
        f"  keepalived {known['versions']['keepalived']}, vipforge {known['versions']['vipforge']}",
        f"  {known['size'] / MIB:.0f} MiB, sha256 {known['sha256']}",
        f"  {len(known['packages'])} packages; {attest.SBOM_NAME} lists {found.components} components",
        f"  signature: {found.signature.state} ({found.signature.detail})",
    ]
    return "\n".join([*lines, *(f"  WRONG  {fault}" for fault in found.faults)])


def _disagreements(name: str, manifest: dict[str, Any], bill: dict[str, Any], statement: dict[str, Any]) -> list[str]:
    """Papers of another image than the one that they lie beside."""
    digest = manifest.get("sha256")
    subject = {"name": name, "digest": {"sha256": digest}}
    checks = {
        "manifest.json": manifest.get("image") == name,
        attest.SBOM_NAME: bill.get("metadata", {}).get("component", {}).get("bom-ref") == f"image:{digest}",
        attest.PROVENANCE_NAME: statement.get("subject") == [subject],
    }
    return [f"{paper}: it is of another image" for paper, agrees in checks.items() if not agrees]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path} is missing", hint="`vipforge image SPEC` writes an image's papers") from None
    except ValueError:
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again") from None
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again")
    return found


Flat = dict[str, str]
ALWAYS = ("made", "sha256", "size", "steps")
"""No two bakes agree in these: they say nothing of what is in an image."""


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line a difference, in the order of the names: `- gone`, `+ came`, `~ changed: old -> new`."""
    return list(_lines(_flat(old), _flat(new)))


def _lines(old: Flat, new: Flat) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"- {name} {old[name]}"
        elif name not in old:
            yield f"+ {name} {new[name]}"
        elif old[name] != new[name]:
            yield f"~ {name}: {old[name]} -> {new[name]}"


def _flat(record: Mapping[str, Any], prefix: str = "") -> Flat:
    """Every value by its path: {"packages": {"bash": "5.2"}} becomes {"packages bash": "5.2"}."""
    flat: Flat = {}
    for key, value in record.items():
        if not prefix and key in ALWAYS:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key} ")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
