"""Files that guests of Enterprise Linux 9 have and CentOS 7 has not, and the repositories of each."""

from __future__ import annotations

from configparser import ConfigParser

import pytest

from builder.guests import all_guests
from builder.render import appliance
from tests.golden import assert_golden
from tests.specs import quickstart

EACH = pytest.mark.parametrize("guest", ["alma9", "rocky9"])
REPOSITORIES = "/etc/yum.repos.d/vipforge.repo"


def rendered(guest: str) -> dict[str, str]:
    files = appliance(quickstart(guest=guest, network={"dns": ["192.168.56.2"]}), all_guests()[guest], "2.3.4")
    return {path: file.content for path, file in files.items()}


@EACH
def test_network_manager_leaves_the_name_servers_alone(guest: str) -> None:
    """NetworkManager would overwrite /etc/resolv.conf, which verify compares with the spec."""
    files, settings = rendered(guest), ConfigParser()
    settings.read_string(files["/etc/NetworkManager/conf.d/10-vipforge.conf"])
    assert settings["main"]["dns"] == "none"
    assert files["/etc/resolv.conf"] == "nameserver 192.168.56.2\n"


@EACH
def test_the_repositories_are_those_of_the_vendor(guest: str) -> None:
    assert_golden(f"rendered/el9/{guest}.repo", rendered(guest)[REPOSITORIES])


def test_the_two_guests_differ_only_in_their_repositories() -> None:
    rocky, alma = rendered("rocky9"), rendered("alma9")
    assert [path for path in {*rocky, *alma} if rocky.get(path) != alma.get(path)] == [REPOSITORIES]
