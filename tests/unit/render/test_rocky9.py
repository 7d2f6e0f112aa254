"""What Rocky Linux 9 gets that the other guest of its family does not."""

from __future__ import annotations

from configparser import ConfigParser

from builder.guests import known
from builder.render import appliance
from tests.specs import quickstart


def test_network_manager_leaves_the_name_servers_alone() -> None:
    """It would write /etc/resolv.conf anew, and verify compares that file with the spec's."""
    files = appliance(quickstart(network={"dns": ["192.168.56.2"]}), known()["rocky9"], "2.3.4")
    settings = ConfigParser()
    settings.read_string(files["/etc/NetworkManager/conf.d/10-vipforge.conf"].content)
    assert settings["main"]["dns"] == "none"
    assert files["/etc/resolv.conf"].content == "nameserver 192.168.56.2\n"
