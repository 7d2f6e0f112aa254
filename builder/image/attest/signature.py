"""Sign SHA256SUMS with minisign or GnuPG, inspect an image with its attestations, and compare two images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from builder.core.errors import InvalidOption, UserError
from builder.core.run import Argv, need, run
from builder.image import attest, manifest

SECONDS = 60
HINT = "the key must not ask for a passphrase: minisign -G -W creates such a key, and gpg-agent caches a passphrase"
MIB = 1 << 20
VARYING = ("made", "sha256", "size", "steps", "package_facts")
"""These say nothing about the content of an image that the rest does not: they differ between any two bakes, or follow
from the versions of the packages."""

FlatRecord = dict[str, str]


@dataclass(frozen=True)
class SignatureVerdict:
    """The result of checking a signature, and the reason."""

    state: Literal["good", "bad", "unsigned", "not checked"]
    detail: str


def sign(folder: Path, key: str) -> Path:
    """Sign with minisign if `key` is a file, else with the GPG key of that name; returns the path of the signature.

    Raises HostLacks if the program is missing, CommandFailed with the program's message if it fails.
    """
    with_minisign = Path(key).is_file()
    path, signed = folder / (attest.MINISIGN if with_minisign else attest.GPG), folder / attest.CHECKSUMS_NAME
    command: Argv
    if with_minisign:
        command = [need("minisign", "minisign"), "-S", "-s", key, "-x", path, "-m", signed]
    else:
        gpg = [need("gpg", "gnupg"), "--batch", "--yes", "--armor", "--local-user", key]
        command = [*gpg, "--output", path, "--detach-sign", signed]
    attest.remove_signatures(folder)
    run(command, timeout=SECONDS, hint=HINT)
    return path


def check_signature(folder: Path, public_key: Path | None = None) -> SignatureVerdict:
    """Check the signature: minisign's with `public_key`, GPG's with the user's keyring."""
    if (folder / attest.MINISIGN).is_file():
        return _minisign(folder, public_key)
    if (folder / attest.GPG).is_file():
        return _gpg(folder)
    if public_key:
        return SignatureVerdict("bad", "there is no signature")
    return SignatureVerdict("unsigned", "there is no signature")


def _minisign(folder: Path, public_key: Path | None) -> SignatureVerdict:
    if public_key is None:
        return SignatureVerdict("not checked", "signed with minisign: pass its public key with --key")
    if not public_key.is_file():
        raise InvalidOption(f"{public_key} is missing", hint="pass the signer's minisign.pub")
    signed = ("-x", folder / attest.MINISIGN, "-m", folder / attest.CHECKSUMS_NAME)
    done = run([need("minisign", "minisign"), "-V", "-p", public_key, *signed], timeout=SECONDS, check=False)
    return _verdict(done.code, done.out + done.err)


def _gpg(folder: Path) -> SignatureVerdict:
    command: Argv = [need("gpg", "gnupg"), "--batch", "--verify", folder / attest.GPG, folder / attest.CHECKSUMS_NAME]
    done = run(command, timeout=SECONDS, check=False)
    if done.code and "No public key" in done.err:
        return SignatureVerdict("not checked", "signed with GPG by a key that your keyring lacks")
    return _verdict(done.code, done.err)


def _verdict(code: int, output: str) -> SignatureVerdict:
    lines = [line for line in output.splitlines() if "ignature" in line] or output.splitlines() or [""]
    return SignatureVerdict("bad" if code else "good", lines[-1].strip())


@dataclass(frozen=True)
class Inspection:
    """What the attestations say, and what is wrong with them (`faults` is also the key in JSON)."""

    image: str
    manifest: dict[str, Any]
    faults: list[str]
    signature: SignatureVerdict
    components: int

    @property
    def good(self) -> bool:
        """Whether all attestations match the image and the signature, if there is one, is not bad."""
        return not self.faults and self.signature.state != "bad"


def inspect(image: Path, public_key: Path | None = None) -> Inspection:
    """Read and check the attestations next to the image; raises UserError if one is missing or damaged."""
    folder = image.parent
    manifest = record(image)
    bom, statement = _json(folder / attest.SBOM_NAME), _json(folder / attest.PROVENANCE_NAME)
    faults = [f"{name}: its SHA-256 is not the one in {attest.CHECKSUMS_NAME}" for name in attest.mismatches(folder)]
    faults += _disagreements(image.name, manifest, bom, statement)
    signature = check_signature(folder, public_key)
    return Inspection(str(image), manifest, faults, signature, len(bom.get("components", ())))


def record(image: Path) -> dict[str, Any]:
    """The manifest next to the image; raises InvalidOption if there is no image, UserError if it lacks a manifest."""
    manifest.require_image(image)
    return _json(image.parent / "manifest.json")


def report(inspection: Inspection, *, as_json: bool) -> str:
    """The inspection as JSON, or as text: what the image is, what it contains, and the results of the checks."""
    if as_json:
        return json.dumps({**asdict(inspection), "good": inspection.good}, indent=2)
    known = inspection.manifest
    lines = [
        f"{inspection.image}: {known['cluster']}, {known['guest']}, made {known['made']}",
        f"  keepalived {known['versions']['keepalived']}, vipforge {known['versions']['vipforge']}",
        f"  {known['size'] / MIB:.0f} MiB, sha256 {known['sha256']}",
        f"  {len(known['packages'])} packages; {attest.SBOM_NAME} lists {inspection.components} components",
        f"  signature: {inspection.signature.state} ({inspection.signature.detail})",
    ]
    return "\n".join([*lines, *(f"  WRONG  {fault}" for fault in inspection.faults)])


def _disagreements(image: str, manifest: dict[str, Any], bom: dict[str, Any], statement: dict[str, Any]) -> list[str]:
    """The attestations that describe another image than the one next to them."""
    digest = manifest.get("sha256")
    subject = {"name": image, "digest": {"sha256": digest}}
    checks = {
        "manifest.json": manifest.get("image") == image,
        attest.SBOM_NAME: bom.get("metadata", {}).get("component", {}).get("bom-ref") == f"image:{digest}",
        attest.PROVENANCE_NAME: statement.get("subject") == [subject],
    }
    return [f"{name}: it describes another image" for name, agrees in checks.items() if not agrees]


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing", hint="`vipforge image SPEC` writes the attestations of an image"
        ) from None
    except ValueError:
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again") from None
    if not isinstance(data, dict):
        raise UserError(f"{path} is damaged", hint="`vipforge image SPEC` writes it again")
    return data


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line per difference, in the order of the names: `- removed`, `+ added`, `~ changed: old -> new`."""
    return list(_lines(_flat(old), _flat(new)))


def _lines(old: FlatRecord, new: FlatRecord) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"- {name} {old[name]}"
        elif name not in old:
            yield f"+ {name} {new[name]}"
        elif old[name] != new[name]:
            yield f"~ {name}: {old[name]} -> {new[name]}"


def _flat(record: Mapping[str, Any], prefix: str = "") -> FlatRecord:
    """Every value by its path: {"packages": {"bash": "5.2"}} becomes {"packages bash": "5.2"}."""
    flat: FlatRecord = {}
    for key, value in record.items():
        if not prefix and key in VARYING:
            continue
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key} ")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
