"""Time servers: what chrony makes of the lab's stub, and of the file that the appliance has for it."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from builder.guests import all_guests
from builder.lab.stubs import StubServer, udp_servers
from builder.render import appliance
from tests.specs import quickstart

pytestmark = pytest.mark.integration

CHRONYD = "/usr/sbin/chronyd"
SECONDS = 20


def chronyd(*argv: str) -> str:
    done = subprocess.run([CHRONYD, *argv], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_chrony_accepts_the_time_of_the_labs_server() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    udp_servers.serve(StubServer("127.0.0.1", port, "ntp", "time"))
    told = chronyd("-Q", "-t", str(SECONDS // 2), f"server 127.0.0.1 port {port} iburst maxsamples 1", "port 0")
    (off,) = re.findall(r"System clock wrong by (-?[0-9.]+) seconds", told)
    assert abs(float(off)) < 1


@pytest.mark.parametrize("guest", [name for name, facts in all_guests().items() if facts.family == "rpm"])
def test_chrony_accepts_its_configuration(guest: str, tmp_path: Path) -> None:
    servers = ["192.0.2.123", "ntp.example.com"]
    files = appliance(quickstart(guest=guest, network={"ntp": servers}), all_guests()[guest], "2.3.4")
    path = tmp_path / "chrony.conf"
    path.write_text(files["/etc/chrony.conf"].content)
    assert re.findall(r"^server (\S+)", chronyd("-p", "-f", str(path)), re.MULTILINE) == servers
