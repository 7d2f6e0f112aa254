"""A host reached through SSH, as with `qemu+ssh://`: everything passes through ssh's stdin and stdout.

Here ssh is a program that runs its last argument on this host. This tests libvirt's own tunnel and streams without an
SSH server.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest

from builder.core.errors import UserError
from builder.core.files import sha256
from builder.core.progress import carry_out
from builder.deploy.libvirt import LibvirtOptions
from builder.deploy.libvirt.host import Host
from builder.deploy.libvirt.hypervisor import LibvirtHypervisor
from builder.deploy.machine import baked_image
from builder.spec.model import Cluster

pytestmark = pytest.mark.integration

SSH = '#!/bin/sh\necho "$@" >>{log}\nfor word; do last=$word; done\nexec sh -c "$last"\n'
RELAY = """#!{python} -I
import os, socket, sys, threading

def put(data):
    while data:
        data = data[os.write(1, data):]

def send():
    while data := os.read(0, 65536):
        there.sendall(data)
    there.shutdown(socket.SHUT_WR)

there = socket.socket(socket.AF_UNIX)
there.connect(sys.argv[-1])
threading.Thread(target=send, daemon=True).start()
while data := there.recv(65536):
    put(data)
"""


@pytest.fixture
def remote(host: Host, tmp_path: Path) -> str:
    """The hypervisor's URI through ssh."""
    ssh, relay = tmp_path / "ssh", tmp_path / "nc"
    ssh.write_text(SSH.format(log=tmp_path / "ssh.log"))
    relay.write_text(RELAY.format(python=sys.executable))
    for program in (ssh, relay):
        program.chmod(0o700)
    socket = host.uri.partition("socket=")[2]
    words = {"command": str(ssh), "proxy": "netcat", "netcat": str(relay), "socket": socket}
    return f"qemu+ssh://root@kvm1.example.com/system?{urlencode(words, safe='/')}"


def put(cluster: Cluster, uri: str) -> int:
    with ExitStack() as stack:
        todo = LibvirtHypervisor(LibvirtOptions((uri,), bridge="br0"), stack).deployment([cluster])
        return carry_out([step for step in todo if not step.what.endswith(": running")])


def test_image_and_seeds_reach_a_remote_host_through_the_tunnel(
    image: Cluster, host: Host, remote: str, tmp_path: Path
) -> None:
    assert put(image, remote) == 7
    assert "-l root -T -e none -- kvm1.example.com" in (tmp_path / "ssh.log").read_text()
    folder = Path(host.uri.partition("socket=")[2]).parent / "pool"
    baked = baked_image(image)
    arrived = folder / f"vipforge-{baked.label}.qcow2"
    assert sha256(arrived) == sha256(baked.path)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert put(image, remote) == 0


def test_an_unreachable_host_is_reported_in_the_words_of_ssh(image: Cluster, remote: str, tmp_path: Path) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'ssh: Could not resolve hostname kvm1' >&2\nexit 255\n")
    with pytest.raises(UserError, match="Could not resolve hostname kvm1"):
        put(image, remote)
