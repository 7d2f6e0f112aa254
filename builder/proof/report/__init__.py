"""The report of a proof: a page for people, and the same for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from builder.files import write_atomic
from builder.proof import model
from builder.proof.model import Proof
from builder.proof.report.junit import junit
from builder.proof.report.page import html

__all__ = ["ReportFiles", "write"]


@dataclass(frozen=True)
class ReportFiles:
    """Where the report has been written."""

    html: Path
    json: Path
    junit: Path


def write(proof: Proof, folder: Path) -> ReportFiles:
    """Put report.html, proof.json and junit.xml into a folder, each whole or not at all."""
    files = ReportFiles(folder / "report.html", folder / "proof.json", folder / "junit.xml")
    write_atomic(files.json, _json(proof))
    write_atomic(files.junit, junit(proof))
    write_atomic(files.html, html(proof))
    return files


def _json(proof: Proof) -> str:
    """The summary with every trial and sample added: `model.from_data` reads the proof back from it."""
    whole, data = model.to_data(proof), model.summary(proof)
    for short, long in zip(data["scenarios"], whole["scenarios"], strict=True):
        short["trials"] = long["trials"]
    return json.dumps(data, separators=(",", ":")) + "\n"
