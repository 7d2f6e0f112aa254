"""A bake's logs and its last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.image.packer.output import BakeLogs, LogFollower, plain


def test_follower_keeps_all_and_shows_steps(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    follow = LogFollower(logs.provision)
    for line in (
        "1,,ui,say,==> qemu.appliance: Starting VM%!(PACKER_COMMA) booting disk image",
        "2,,ui,message,    qemu.appliance: ==> installing the boot loader",
        "3,,ui,message,    qemu.appliance: Installing for i386-pc platform.",
        "4,,error-count,1",
    ):
        follow(line)
    assert logs.provision.read_text().splitlines() == [
        "Starting VM, booting disk image",
        "==> installing the boot loader",
        "Installing for i386-pc platform.",
    ]
    assert capfd.readouterr().err.splitlines() == ["starting the guest", "installing the boot loader"]
    assert follow.step == "installing the boot loader"


def test_last_words_leave_out_what_packer_says_after_every_failure(tmp_path: Path) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    logs.provision.write_text("sshd: bad option\nDeleting output directory...\n==> Builds finished: nothing\n")
    assert "sshd: bad option" in logs.last_words()
    assert "Deleting" not in logs.last_words()
    assert "Builds finished" not in logs.last_words()


def test_last_words_name_the_logs_and_hold_their_ends(tmp_path: Path) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    logs.console.write_text("".join(f"line {n}\n" for n in range(40)) + "\x1b[31mKernel panic\x1b[0m\n")
    words = logs.last_words()
    assert str(logs.console) in words
    assert "    Kernel panic" in words
    assert "line 39" in words
    assert "line 20" not in words
    assert "(nothing)" in words


def test_begin_forgets_the_bake_before(tmp_path: Path) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    logs.console.write_text("old")
    logs.begin()
    assert logs.console.read_text() == ""


def test_plain_takes_control_characters_out() -> None:
    assert plain("\x1b[0;32m  OK  \x1b[0m\rdone\x07") == "  OK  done"
