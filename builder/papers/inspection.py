"""`vipforge inspect`: an image's papers, read and checked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builder.errors import UserError
from builder.papers import provenance, sbom, signature, sums
from builder.papers.signature import Verdict

MIB = 1 << 20


@dataclass(frozen=True)
class Inspection:
    """What the papers say, and what is wrong with them."""

    image: str
    manifest: dict[str, Any]
    faults: list[str]
    signature: Verdict
    components: int

    @property
    def good(self) -> bool:
        """Whether every paper agrees with the image, and its signature, if there is one, is not bad."""
        return not self.faults and self.signature.state != "bad"


def inspect(image: Path, public_key: Path | None = None) -> Inspection:
    """Read the papers beside the image and check all of them; raises UserError where they are missing."""
    folder = image.parent
    manifest = record(image)
    bill, statement = _json(folder / sbom.NAME), _json(folder / provenance.NAME)
    faults = [f"{name}: its SHA-256 is not the one of {sums.NAME}" for name in sums.differing(folder)]
    faults += _disagreements(image.name, manifest, bill, statement)
    found = signature.verdict(folder, public_key)
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
        f"  {len(known['packages'])} packages; {sbom.NAME} lists {found.components} components",
        f"  signature: {found.signature.state} ({found.signature.detail})",
    ]
    return "\n".join([*lines, *(f"  WRONG  {fault}" for fault in found.faults)])


def _disagreements(name: str, manifest: dict[str, Any], bill: dict[str, Any], statement: dict[str, Any]) -> list[str]:
    """Papers of another image than the one that they lie beside."""
    digest = manifest.get("sha256")
    subject = {"name": name, "digest": {"sha256": digest}}
    checks = {
        "manifest.json": manifest.get("image") == name,
        sbom.NAME: bill.get("metadata", {}).get("component", {}).get("bom-ref") == f"image:{digest}",
        provenance.NAME: statement.get("subject") == [subject],
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
