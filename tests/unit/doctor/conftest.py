"""A host that lacks nothing; tests remove something from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.core.run import Completed
from builder.doctor import host, supplies
from builder.host.packer import PackerFacts
from builder.rootfs import mirror as mirror_module


@pytest.fixture
def good_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The host's apt folder, whose sources name a mirror in a local folder."""
    for name in ("VIPFORGE_MIRROR", "VIPFORGE_OFFLINE", "VIPFORGE_ACCEL", "VIPFORGE_PACKER"):
        monkeypatch.delenv(name, raising=False)
    index = tmp_path / "debian" / "dists" / "bookworm" / "InRelease"
    index.parent.mkdir(parents=True)
    index.write_text("signed")
    apt = tmp_path / "apt"
    apt.mkdir()
    (apt / "sources.list").write_text(f"deb file://{tmp_path}/debian bookworm main\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable:    8388608 kB\n")
    monkeypatch.setattr(mirror_module, "APT", apt)
    monkeypatch.setattr(host, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(host, "why_not_kvm", lambda: None)
    monkeypatch.setattr(host, "ROOM_GIB", 0)
    monkeypatch.setattr(host, "packer", lambda: PackerFacts(Path("/usr/bin/packer"), (1, 6, 6), "1.6.6"))
    monkeypatch.setattr(host, "qemu", lambda: Path("/usr/bin/qemu-system-x86_64"))
    monkeypatch.setattr(host, "version_of", lambda _: "7.2.22")
    monkeypatch.setattr(host, "need", lambda program, _: program)
    monkeypatch.setattr(host, "find_program", lambda program: program)
    monkeypatch.setattr(host, "run", answer)
    assert supplies.ANSWER_SECONDS == 5
    return apt


def answer(argv: list[object], **_: object) -> Completed:
    """What a program prints on such a host."""
    words = [str(word) for word in argv]
    if words[0] == "dpkg-query":
        return Completed(tuple(words), 0, "".join(f"{name} installed\n" for name in words[4:]), "")
    return Completed(tuple(words), 0, f"{words[0]} 1.0\n", "")
