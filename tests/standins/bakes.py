"""Bakes from the stand-in vendor with the command that operators use: one spec per guest and builder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.standins.vendor import Vendor

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "examples" / "quickstart.yml"
ENTRY = "tests.standins.vipforge"
BAKE_SECONDS = 30 * 60


@dataclass(frozen=True)
class Bake:
    """One bake of a guest with one builder: its own cluster, and folders that no other test shares.

    The cache is separate, too, because a keepalived from the stand-in's compiler must never pass for the vendor's.
    """

    vendor: Vendor
    folder: Path
    guest: str
    builder: str = "qemu"

    @property
    def cluster(self) -> str:
        return f"{self.guest}-{self.builder}"

    @property
    def spec(self) -> Path:
        return self.folder / f"{self.cluster}.yml"

    @property
    def image(self) -> Path:
        return self.folder / "build" / self.cluster / "appliance.qcow2"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "VIPFORGE_BUILD": self.folder / "build",
            "VIPFORGE_STATE": self.folder / "state",
            "VIPFORGE_CACHE": self.folder / "cache",
            "VIPFORGE_MIRROR": self.vendor.folder,
            "PYTHONPATH": ROOT,
        }
        return {**os.environ, **{name: str(value) for name, value in own.items()}}

    def write_spec(self, *more: dict[str, Any]) -> Path:
        """Write the quickstart for this guest, with the vendor's mirror and `more` services."""
        data = yaml.safe_load(SPEC.read_text())
        data |= {"cluster": self.cluster, "guest": self.guest, "image": {"mirror": self.vendor.mirror.as_uri()}}
        data["services"] += more
        self.spec.write_text(yaml.safe_dump(data))
        return self.spec

    def start(self) -> subprocess.Popen[str]:
        """Run `vipforge image` on the spec, in the background."""
        return self._start(ENTRY, self.vendor.folder, "image", self.spec, "--builder", self.builder)

    def run(self, *words: str | Path, timeout: float = BAKE_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run another vipforge command, with the real vendors' pins."""
        with self._start("builder", *words) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def _start(self, module: str, *words: str | Path) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", module, *(str(word) for word in words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, env=self.environment, stdout=pipe, stderr=pipe, text=True, cwd=self.folder)
