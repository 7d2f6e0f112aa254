"""The guest's program that keeps room on the disk, in a small root with the real logrotate."""

from __future__ import annotations

import os
from subprocess import CompletedProcess

import pytest

from builder.core.paths import resources
from tests.integration.standin import StandIn

pytestmark = pytest.mark.integration

OVERLAY = resources("packer", "overlay", "common")
PROGRAM = "/usr/libexec/vipforge/room"
RESERVE = "/var/lib/vipforge/reserve"
LOG = "/var/log/haproxy.log"
MIB = 1 << 20
DISK_MIB = 300
"""A quarter of it is for logs; the reserve takes 64 MiB."""


@pytest.fixture
def disk(root: StandIn) -> StandIn:
    """A root of 300 MiB with the appliance's own files about logs."""
    for path in ("/etc/logrotate.conf", "/etc/logrotate.d/haproxy", PROGRAM):
        root.write(path, (OVERLAY / path[1:]).read_text(), 0o755 if path == PROGRAM else 0o644)
    root.path("/var/lib/logrotate").mkdir()
    root.path("/usr/local/sbin/systemctl").symlink_to("/fake/bin/systemctl")
    root.path("/dev/console").touch()
    root.path(LOG).touch()
    done = root.call("mount", "-o", f"remount,size={DISK_MIB}m", "/")
    assert done.returncode == 0, done.stderr
    return root


def room(disk: StandIn, action: str) -> CompletedProcess[str]:
    done = disk.call(PROGRAM, action)
    assert done.returncode == 0, done.stderr
    return done


def fill(disk: StandIn) -> None:
    """Leave no block of the disk."""
    assert disk.call("sh", "-c", "cat /dev/zero >/fill").returncode != 0


def test_a_large_log_is_rotated_and_rsyslog_reopens_it(disk: StandIn) -> None:
    disk.write(LOG, b"a request\n" * (33 * MIB // 10))
    room(disk, "tend")
    assert disk.path(LOG).stat().st_size == 0
    assert disk.path(f"{LOG}.1").stat().st_size > 32 * MIB
    assert "systemctl kill --signal=HUP rsyslog.service" in disk.calls()


def test_a_log_that_is_not_large_is_left_alone(disk: StandIn) -> None:
    disk.write(LOG, b"a request\n" * (31 * MIB // 10))
    room(disk, "tend")
    assert disk.path(LOG).stat().st_size > 30 * MIB
    assert disk.calls() == []


def test_the_oldest_logs_go_when_all_of_them_take_too_much(disk: StandIn) -> None:
    """However well they compress, and however many of them logrotate keeps."""
    for number in range(2, 6):
        disk.write(f"{LOG}.{number}.gz", bytes(24 * MIB))
        os.utime(disk.path(f"{LOG}.{number}.gz"), (-number, -number))
    disk.write(LOG, bytes(33 * MIB))
    room(disk, "tend")
    assert sorted(path.name for path in disk.path("/var/log").glob("haproxy.log.*")) == [
        "haproxy.log.1",
        "haproxy.log.3.gz",
    ]


def test_a_full_disk_gets_its_reserve_back_and_says_so(disk: StandIn) -> None:
    room(disk, "tend")
    assert disk.path(RESERVE).stat().st_size == 64 * MIB
    fill(disk)
    done = room(disk, "release")
    assert "/ is full; the reserve of 65536 KiB is released" in done.stderr
    assert done.stderr in disk.read("/dev/console")
    disk.write("/etc/file", "there is room\n")
    room(disk, "tend")
    assert not disk.path(RESERVE).exists(), "a disk that is nearly full has no room for a reserve"


def test_a_full_disk_without_a_reserve_gives_old_logs_and_says_so(disk: StandIn) -> None:
    for name in ("haproxy.log.3.gz", "haproxy.log.2.gz"):
        disk.write(f"/var/log/{name}", bytes(40 * MIB))
        os.utime(disk.path(f"/var/log/{name}"), (-int(name[12]), -int(name[12])))
    fill(disk)
    assert "/ is full, and there is no reserve." in room(disk, "release").stderr
    assert sorted(path.name for path in disk.path("/var/log").glob("*.gz")) == ["haproxy.log.2.gz"]


def test_a_disk_with_room_is_silent_and_keeps_its_reserve(disk: StandIn) -> None:
    for action in ("tend", "release", "tend"):
        assert room(disk, action).stderr == ""
    assert disk.path(RESERVE).exists()
