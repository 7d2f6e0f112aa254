"""What a bake of the RPM family leaves: the appliance's files unchanged, and no trace of the baking machine."""

from __future__ import annotations

import pytest

from builder.guests import all_guests
from builder.render import appliance
from tests.integration.standin import StandIn
from tests.integration.test_provision_rpm import GUESTS, bake, cluster

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("guest", GUESTS)
def test_our_zone_is_the_default_and_its_file_is_unchanged(root: StandIn, guest: str) -> None:
    bake(root, guest)
    assert "DefaultZone=vipforge\nMinimalMark=100\n" in root.read("/etc/firewalld/firewalld.conf")
    rendered = appliance(cluster(), all_guests()[guest], "1.2.13")["/etc/firewalld/zones/vipforge.xml"]
    assert root.read("/etc/firewalld/zones/vipforge.xml") == rendered.content
    assert [path.name for path in root.path("/etc/firewalld/zones").iterdir()] == ["vipforge.xml"]


@pytest.mark.parametrize("path", ["/etc/firewalld/zones/vipforge.xml", "/etc/sysctl.d/60-vipforge.conf"])
def test_a_file_that_a_program_of_the_guest_rewrites_ends_the_bake(root: StandIn, path: str) -> None:
    bake(root, "centos7", until="common/94-unchanged.sh")
    root.write(path, root.read(path).replace("\n", "\n\n", 1))
    done = root.run("common/94-unchanged.sh")
    assert done.returncode != 0
    assert path.lstrip("/") in done.stdout + done.stderr


def test_the_host_name_of_the_bake_in_any_file_ends_the_bake(root: StandIn) -> None:
    bake(root, "centos7", until="rpm/90-clean.sh")
    root.write("/var/lib/something/state", "host vipforge-bake\n")
    done = root.run("rpm/90-clean.sh")
    assert done.returncode != 0
    assert "/var/lib/something/state" in done.stderr


def test_no_trace_of_the_baking_machine_is_left(root: StandIn) -> None:
    bake(root, "centos7")
    for path in ("/etc/ssh/ssh_host_rsa_key", "/root/.ssh", "/root/anaconda-ks.cfg", "/var/lib/cloud"):
        assert not root.path(path).exists(), path
    scripts = root.path("/etc/sysconfig/network-scripts")
    assert [path.name for path in scripts.iterdir()] == ["ifcfg-lo"]
    assert root.read("/etc/machine-id") == ""
    assert root.read("/var/log/messages") == ""
    assert not list(root.path("/tmp").glob("*.tar"))


LOGGING = "#!/bin/sh\n[ -e /fake/stopped ] || echo 'vipforge-bake sudo: centos' >>/var/log/messages\n"
STOPPING = "#!/bin/sh\ncase $* in 'stop rsyslog.service') : >/fake/stopped ;; esac\n"


@pytest.mark.parametrize("guest", GUESTS)
def test_commands_after_the_clean_up_are_not_logged(root: StandIn, guest: str) -> None:
    """sudo logs every step to rsyslog, in a line with the host name of the bake."""
    root.does("fstrim", LOGGING)
    root.does("systemctl", STOPPING)
    bake(root, guest)
    assert "fstrim --verbose /" in root.calls()
    assert root.read("/var/log/messages") == ""
