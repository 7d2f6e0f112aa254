"""The logs of a bake, and the lines that explain a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.image.packer.output import BakeLogs, LogFollower, plain


def test_the_follower_logs_everything_and_shows_steps(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
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


def test_excerpts_leave_out_the_lines_that_packer_prints_after_any_failure(tmp_path: Path) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    logs.provision.write_text("sshd: bad option\nDeleting output directory...\n==> Builds finished: nothing\n")
    assert "sshd: bad option" in logs.excerpts()
    assert "Deleting" not in logs.excerpts()
    assert "Builds finished" not in logs.excerpts()


def test_excerpts_name_the_logs_and_show_their_last_lines(tmp_path: Path) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    logs.console.write_text("".join(f"line {n}\n" for n in range(40)) + "\x1b[31mKernel panic\x1b[0m\n")
    words = logs.excerpts()
    assert str(logs.console) in words
    assert "    Kernel panic" in words
    assert "line 39" in words
    assert "line 20" not in words
    assert "(nothing)" in words


def test_begin_discards_the_previous_logs(tmp_path: Path) -> None:
    logs = BakeLogs(tmp_path / "logs")
    logs.begin()
    logs.console.write_text("old")
    logs.begin()
    assert logs.console.read_text() == ""


def test_plain_removes_control_characters() -> None:
    assert plain("\x1b[0;32m  OK  \x1b[0m\rdone\x07") == "  OK  done"
