"""Seeds and settings use only what cloud-init 19.4 supports, the last release that runs on Python 2.7."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from builder.guests import all_guests
from builder.render import appliance
from builder.seed.seed import seed
from builder.spec.load import load
from builder.spec.model import Cluster
from builder.spec.sections import Tls
from tests.golden import assert_golden
from tests.specs import quickstart

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yml"))
SPEC = next(path for path in EXAMPLES if path.name == "exchange2013-centos7.yml")
FACTS = all_guests()["centos7"]
# cloudinit/config/cc_users_groups.py, cc_write_files.py and cc_set_hostname.py of cloud-init 19.4
CLOUD_INIT_19_4 = {
    "": {"fqdn", "users", "write_files"},
    "users": {
        *("name", "gecos", "groups", "primary_group", "shell", "sudo", "lock_passwd", "ssh_authorized_keys"),
        *("system", "homedir", "no_user_group", "uid"),
    },
    "write_files": {"path", "owner", "permissions", "content", "encoding", "append"},
}
# those of the keys that 19.4 reads in /etc/cloud/cloud.cfg.d/ that vipforge sets
CLOUD_CFG_19_4 = {
    *("datasource_list", "disable_root", "ssh_pwauth", "preserve_hostname", "manage_etc_hosts", "locale", "users"),
    *("ssh_deletekeys", "ssh_genkeytypes", "cloud_init_modules", "cloud_config_modules", "cloud_final_modules"),
}
# cloudinit/config/cc_*.py of 19.4
MODULES_19_4 = {
    *(
        "growpart",
        "resizefs",
        "write_files",
        "users_groups",
        "ssh",
        "final_message",
        "set_hostname",
        "update_hostname",
    ),
    *("migrator", "bootcmd", "disk_setup", "mounts", "rsyslog", "runcmd", "timezone", "update_etc_hosts"),
}
# cloudinit/sources/__init__.py and DataSourceNoCloud.py of 19.4
META_DATA_19_4 = {
    "instance-id",
    "local-hostname",
    "dsmode",
    "public-keys",
    "network-interfaces",
    "seedfrom",
    "hostname",
}
NETWORK_19_4 = {"version", "ethernets"}
ETHERNET_19_4 = {
    "dhcp4",
    "dhcp6",
    "addresses",
    "gateway4",
    "gateway6",
    "routes",
    "nameservers",
    "match",
    "set-name",
    "mtu",
}


def rendered(spec: Cluster) -> dict[str, str]:
    return {path: file.content for path, file in appliance(spec, FACTS, "2.3.4").items()}


@pytest.mark.parametrize("name", ["user-data", "meta-data", "network-config"])
def test_the_seed_of_the_articles_first_node(name: str) -> None:
    cluster = load(SPEC)
    assert_golden(f"rendered/centos7-seed/{name}", seed(cluster, cluster.nodes[0], FACTS).files()[name])


def test_the_seed_uses_only_keys_of_cloud_init_19_4() -> None:
    cluster = load(SPEC)
    data = yaml.safe_load(seed(cluster, cluster.nodes[0], FACTS).user_data)
    assert set(data) <= CLOUD_INIT_19_4[""]
    for part in ("users", "write_files"):
        for entry in data[part]:
            assert set(entry) <= CLOUD_INIT_19_4[part]


def test_settings_and_modules_are_those_of_cloud_init_19_4() -> None:
    config = yaml.safe_load(rendered(load(SPEC))["/etc/cloud/cloud.cfg.d/90-vipforge.cfg"])
    assert set(config) <= CLOUD_CFG_19_4
    named = {module for key, modules in config.items() if key.endswith("_modules") for module in modules}
    assert {"users_groups", "write_files"} <= named <= MODULES_19_4
    assert set(config["ssh_genkeytypes"]) <= {"rsa", "dsa", "ecdsa", "ed25519"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_seed_has_its_three_files_with_keys_of_19_4(path: Path) -> None:
    cluster = load(path).model_copy(update={"tls": Tls(), "statistics": None})  # their secrets are not in the examples
    for node in cluster.nodes:
        files = seed(cluster, node, FACTS).files()
        assert set(files) == {"user-data", "meta-data", "network-config"}
        assert set(yaml.safe_load(files["meta-data"])) <= META_DATA_19_4
        network = yaml.safe_load(files["network-config"])
        assert set(network) <= NETWORK_19_4
        assert network["version"] == 2
        assert set(network["ethernets"]) == ({"eth0", "eth1"} if cluster.management else {"eth0"})
        for card in network["ethernets"].values():
            assert set(card) <= ETHERNET_19_4
            # cloudinit/net/sysconfig.py of 19.4 raises KeyError (NETMASK1) for an IPv6 route
            assert not [route for route in card.get("routes", ()) if ":" in route["to"]]


def test_a_node_with_both_families_has_both_gateways() -> None:
    cluster = load(next(path for path in EXAMPLES if path.stem == "ipv6"))
    files = seed(cluster, cluster.nodes[0], FACTS).files()
    card = yaml.safe_load(files["network-config"])["ethernets"]["eth0"]
    assert card["gateway6"] == str(cluster.network.gateway6)
    assert card["routes"] == [{"to": "0.0.0.0/0", "via": str(cluster.network.gateway)}]


def test_data_sources_are_listed() -> None:
    """Without a list, every boot takes two minutes longer; 19.4 has no data source named VMware."""
    config = yaml.safe_load(rendered(load(SPEC))["/etc/cloud/cloud.cfg.d/90-vipforge.cfg"])
    assert config["datasource_list"] == ["NoCloud", "VMwareGuestInfo", "OVF", "None"]


def test_only_the_data_sources_differ_from_the_common_settings() -> None:
    """All other settings of cloud-init are the same for every guest."""
    common = yaml.safe_load(
        appliance(quickstart(), all_guests()["debian12"], "2.3.3")["/etc/cloud/cloud.cfg.d/90-vipforge.cfg"].content
    )
    own = yaml.safe_load(rendered(quickstart())["/etc/cloud/cloud.cfg.d/90-vipforge.cfg"])
    assert {key for key in common if own[key] != common[key]} == {"datasource_list"}
