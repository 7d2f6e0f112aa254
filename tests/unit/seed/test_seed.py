"""Seeds: what cloud-init reads, as text and as ISO."""

from __future__ import annotations

import io
from pathlib import Path

import pycdlib
import pytest
import yaml

from builder.guests import Facts, GuestFile, all_guests
from builder.guests.debian12 import GUEST
from builder.seed.network import HardwareAddresses, card_names
from builder.seed.seed import seed, write_all
from builder.seed.transports import Seed, nocloud
from builder.spec.load import load
from builder.spec.model import Cluster
from builder.spec.sections import Tls
from tests import examples
from tests.golden import assert_golden
from tests.specs import quickstart

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzpF3Hd1nbqRxQ7C0h5w0Q9lJ1cKZ0P2l3kLm4nOp5q ops@example.com"


def node_seed(index: int = 0, **changes: object) -> Seed:
    cluster = quickstart(operator={"user": "ops", "ssh_keys": [KEY]}, **changes)
    return seed(cluster, cluster.nodes[index], GUEST)


@pytest.mark.parametrize("name", ["user-data", "meta-data", "network-config"])
def test_the_whole_seed(name: str) -> None:
    assert_golden(f"rendered/seed/{name}", node_seed().files()[name])


def test_a_node_with_ipv6() -> None:
    cluster = load(examples.FOLDER / "ipv6.yml")
    ipv6_seed = seed(cluster, cluster.nodes[0], GUEST)
    card = yaml.safe_load(ipv6_seed.network_config)["ethernets"]["primary"]
    assert card["addresses"] == ["192.168.59.11/24", "2001:db8:59::11/64"]
    assert card["routes"] == [{"to": "0.0.0.0/0", "via": "192.168.59.1"}, {"to": "::/0", "via": "2001:db8:59::1"}]
    (identity,) = yaml.safe_load(ipv6_seed.user_data)["write_files"]
    for line in ("PRIORITY=254 254", "ADDRESS6=2001:db8:59::11", "PREFIX6=64", "PEERS6=2001:db8:59::12"):
        assert f"{line}\n" in identity["content"]


def test_each_instance_has_its_own_priority() -> None:
    cluster = load(examples.FOLDER / "active-active.yml")
    for node, priorities in zip(cluster.nodes, ("254 253", "253 254"), strict=True):
        assert f"PRIORITY={priorities}\n" in seed(cluster, node, GUEST).user_data


def test_user_data_is_yaml_with_the_nodes_identity() -> None:
    data = yaml.safe_load(node_seed().user_data)
    assert data["users"][0]["ssh_authorized_keys"] == [KEY]
    (identity,) = data["write_files"]
    assert identity["permissions"] == "0600"
    assert "NODE_NAME=lb1.example.com\n" in identity["content"]
    assert "PEERS=192.168.56.12\n" in identity["content"]


def test_the_lab_adds_its_key_to_those_of_the_operator() -> None:
    cluster = quickstart(operator={"user": "ops", "ssh_keys": [KEY]})
    data = yaml.safe_load(seed(cluster, cluster.nodes[0], GUEST, ["ssh-ed25519 AAAAlab lab"]).user_data)
    assert data["users"][0]["ssh_authorized_keys"] == [KEY, "ssh-ed25519 AAAAlab lab"]


def test_a_named_interface_is_matched_by_its_name() -> None:
    config = yaml.safe_load(node_seed(network={"interface": "eth2"}).network_config)
    assert config["ethernets"]["primary"]["match"] == {"name": "eth2"}


@pytest.mark.parametrize("facts", all_guests().values(), ids=all_guests())
@pytest.mark.parametrize("name", examples.names())
def test_each_part_of_the_network_is_for_one_card(name: str, facts: Facts) -> None:
    """A pattern gives a second card the same address."""
    cluster = load(examples.FOLDER / f"{name}.yml").model_copy(update={"tls": Tls(), "statistics": None})
    for node in cluster.nodes:
        cards = yaml.safe_load(seed(cluster, node, facts).network_config)["ethernets"]
        names = [card.get("match", {"name": key})["name"] for key, card in cards.items()]
        assert names == ["eth0", "eth1"][: len(cards)]
        assert len(cards) == (2 if cluster.management else 1)


def two_cards(**changes: object) -> Cluster:
    nodes = [
        {"name": f"lb{n}.example.com", "address": f"192.168.56.1{n}", "management": f"10.9.0.1{n}"} for n in (1, 2)
    ]
    management = {"prefix": 24, "routes": [{"to": "10.20.0.0/16", "via": "10.9.0.1"}], **changes}
    return quickstart(nodes=nodes, management=management, snmp=True)


@pytest.mark.parametrize("guest", ["debian12", "centos7", "rocky9"])
def test_two_cards(guest: str) -> None:
    cluster = two_cards()
    made = seed(cluster, cluster.nodes[0], all_guests()[guest])
    assert_golden(f"rendered/two-cards/{guest}/network-config", made.network_config)
    assert "MANAGEMENT=10.9.0.11/24\n" in made.user_data


@pytest.mark.parametrize("guest", ["debian12", "centos7", "rocky9"])
def test_cards_are_found_by_their_hardware_addresses_where_those_are_known(guest: str) -> None:
    cluster = two_cards()
    known = HardwareAddresses("52:54:00:00:00:01", "52:54:00:00:00:02")
    made = seed(cluster, cluster.nodes[0], all_guests()[guest], known=known)
    cards = yaml.safe_load(made.network_config)["ethernets"]
    assert [card["match"] for card in cards.values()] == [
        {"macaddress": "52:54:00:00:00:01"},
        {"macaddress": "52:54:00:00:00:02"},
    ]
    # cloud-init 19.4 names a card's file after the ID, unless the card is to be renamed
    names = {name: card.get("set-name") for name, card in cards.items()}
    assert names == (
        {"primary": None, "management": None} if guest == "debian12" else {"eth0": "eth0", "eth1": "eth1"}
    )


def test_the_hardware_addresses_of_the_spec_are_used() -> None:
    nodes = [
        {"name": f"lb{n}.example.com", "address": f"192.168.56.1{n}", "mac": f"00:50:56:0A:00:0{n}"} for n in (1, 2)
    ]
    made = seed(cluster := quickstart(nodes=nodes), cluster.nodes[1], GUEST)
    assert yaml.safe_load(made.network_config)["ethernets"]["primary"]["match"] == {"macaddress": "00:50:56:0a:00:02"}


@pytest.mark.parametrize(
    ("interface", "management", "expected"),
    [
        ("auto", "auto", ("eth0", "eth1")),
        ("eth1", "auto", ("eth1", "eth0")),
        ("auto", "eth0", ("eth1", "eth0")),
        ("eth2", "auto", ("eth2", "eth0")),
        ("eth0", "eth3", ("eth0", "eth3")),
    ],
)
def test_the_card_that_the_spec_does_not_name_is_the_other_one(
    interface: str, management: str, expected: tuple[str, str]
) -> None:
    cluster = two_cards(interface=management)
    network = cluster.network.model_copy(update={"interface": interface})
    assert card_names(cluster.model_copy(update={"network": network})) == expected


@pytest.mark.parametrize(
    ("guest", "path", "line"),
    [
        ("debian12", "/etc/default/ssh", 'SSHD_OPTS="-o ListenAddress=10.9.0.11"'),
        ("centos7", "/etc/sysconfig/sshd", 'OPTIONS="-o ListenAddress=10.9.0.11"'),
        ("rocky9", "/etc/snmp/snmpd.local.conf", "agentAddress udp:10.9.0.11:161"),
    ],
)
def test_what_is_for_operators_listens_on_the_management_address(guest: str, path: str, line: str) -> None:
    for wanted in (True, False):
        cluster = two_cards(ssh=wanted, snmp=wanted)
        data = yaml.safe_load(seed(cluster, cluster.nodes[0], all_guests()[guest]).user_data)
        written = {file["path"]: file["content"] for file in data["write_files"]}
        assert written.get(path) == (f"{line}\n" if wanted else None)


@pytest.mark.parametrize("word", ["null", "no", "y", "on", "true", "n0", "e1"])
def test_words_of_yaml_stay_names(word: str) -> None:
    cluster = quickstart(operator={"user": word}, network={"search": [word, "010", "1e3", "0x10"]})
    made = seed(cluster, cluster.nodes[0], GUEST)
    (user,) = yaml.safe_load(made.user_data)["users"]
    card = yaml.safe_load(made.network_config)["ethernets"]["primary"]
    assert (user["name"], user["primary_group"], user["gecos"]) == (word, word, "Operator of quickstart")
    assert card["nameservers"]["search"] == [word, "010", "1e3", "0x10"]


@pytest.mark.parametrize(
    "hostile", ['"', "'", "x: y", " #x", "]", "\\", "{{ node }}", "%", "\ue0000\ue001", "- x", "null"]
)
def test_no_value_changes_the_structure(hostile: str) -> None:
    cluster = quickstart()
    public = {f"/etc/{hostile}": GuestFile(hostile, 0o644)}
    made = seed(cluster, cluster.nodes[0], GUEST, [hostile], public)
    data = yaml.safe_load(made.user_data)
    assert data["users"][0]["ssh_authorized_keys"] == [hostile]
    assert data["write_files"][1]["path"] == f"/etc/{hostile}"


def test_without_ssh_keys_there_is_no_list_of_them() -> None:
    """cloud-init's schema refuses an empty one."""
    cluster = quickstart()
    assert "ssh_authorized_keys" not in yaml.safe_load(seed(cluster, cluster.nodes[0], GUEST).user_data)["users"][0]


@pytest.mark.parametrize("guest", sorted(all_guests()))
def test_the_ipv6_gateway_is_a_route_except_for_the_cloud_init_that_knows_none(guest: str) -> None:
    cluster = load(examples.FOLDER / "ipv6.yml")
    config = yaml.safe_load(seed(cluster, cluster.nodes[0], all_guests()[guest]).network_config)
    (card,) = config["ethernets"].values()
    route = {"to": "::/0", "via": "2001:db8:59::1"}
    assert (route in card["routes"], "gateway6" in card) == ((False, True) if guest == "centos7" else (True, False))


@pytest.mark.parametrize("guest", [name for name, facts in all_guests().items() if facts.family == "rpm"])
def test_the_network_of_a_guest_with_a_fixed_interface_is_matched_by_its_name(guest: str) -> None:
    cluster = quickstart()
    config = yaml.safe_load(seed(cluster, cluster.nodes[0], all_guests()[guest]).network_config)
    (card,) = config["ethernets"]
    assert card == "eth0"
    assert "match" not in config["ethernets"][card]


def test_without_gateway_and_name_servers_there_is_no_route() -> None:
    config = yaml.safe_load(node_seed(network={"gateway": None, "dns": []}).network_config)
    assert config["ethernets"]["primary"].keys() == {"match", "dhcp4", "accept-ra", "addresses"}


@pytest.mark.parametrize(
    ("spec", "network", "is_accepted"),
    [("quickstart", {}, False), ("ipv6", {}, False), ("ipv6", {"gateway6": None}, True)],
)
def test_router_advertisements_are_accepted_only_without_a_gateway(
    spec: str, network: dict[str, object], *, is_accepted: bool
) -> None:
    """Otherwise systemd-networkd delays the boot by 12 s (3 solicitations, RFC 4861, section 10)."""
    cluster = load(examples.FOLDER / f"{spec}.yml")
    cluster = cluster.model_copy(update={"network": cluster.network.model_copy(update=network)})
    config = yaml.safe_load(seed(cluster, cluster.nodes[0], GUEST).network_config)
    assert config["ethernets"]["primary"].get("accept-ra", True) is is_accepted


def test_the_instance_id_changes_only_with_the_identity() -> None:
    assert node_seed().instance_id == node_seed().instance_id
    assert node_seed().instance_id != node_seed(1).instance_id
    moved = node_seed(network={"gateway": "192.168.56.254"})
    assert moved.instance_id != node_seed().instance_id
    assert moved.instance_id in moved.meta_data


def test_the_iso_has_the_three_files_and_the_label_that_cloud_init_looks_for() -> None:
    made = node_seed()
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(nocloud.image(made)))
    assert iso.pvd.volume_identifier.decode().strip() == "cidata"
    for name, text in made.files().items():
        for kind in ("rr_path", "joliet_path"):
            data = io.BytesIO()
            iso.get_file_from_iso_fp(data, **{kind: f"/{name}"})
            assert data.getvalue().decode() == text
    iso.close()


def test_a_seed_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    seeds = write_all(quickstart(), GUEST, tmp_path / "seeds")
    assert set(seeds) == {"lb1.example.com", "lb2.example.com"}
    assert {path.stat().st_mode & 0o777 for path in seeds.values()} == {0o600}
