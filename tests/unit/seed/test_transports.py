"""The transports of a seed: each one delivers the same content."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pycdlib
import pytest
import yaml

from builder.core.errors import UserError
from builder.core.paths import resources
from builder.deploy.ovf import PROPERTIES
from builder.guests import Facts, all_guests
from builder.guests.debian12 import GUEST
from builder.seed import identity
from builder.seed import seed as seed_file
from builder.seed.seed import seed, write_all
from builder.seed.transports import Seed, find_transport, guestinfo, ovf
from builder.seed.transports import all_transports as transports
from tests.golden import assert_golden
from tests.specs import quickstart


@pytest.fixture
def node_seed() -> Seed:
    cluster = quickstart()
    return seed(cluster, cluster.nodes[0], GUEST)


def unpacked(text: str) -> str:
    return gzip.decompress(base64.b64decode(text)).decode()


def test_decoded_guestinfo_is_the_seed(node_seed: Seed) -> None:
    variables = guestinfo.variables(node_seed)
    assert unpacked(variables["guestinfo.userdata"]) == node_seed.user_data
    metadata = json.loads(unpacked(variables["guestinfo.metadata"]))
    assert metadata["network"] == yaml.safe_load(node_seed.network_config)
    assert metadata["instance-id"] == node_seed.instance_id
    assert metadata["local-hostname"] == "lb1.example.com"
    assert variables["guestinfo.userdata.encoding"] == variables["guestinfo.metadata.encoding"] == "gzip+base64"


def test_guestinfo_is_reproducible(node_seed: Seed) -> None:
    assert guestinfo.variables(node_seed) == guestinfo.variables(node_seed)


def test_decoded_ovf_properties_are_the_seed(node_seed: Seed) -> None:
    values = ovf.properties(node_seed)
    assert base64.b64decode(values["user-data"]).decode() == node_seed.user_data
    network = yaml.safe_load(base64.b64decode(values["network-config"]))
    assert network == {"network": yaml.safe_load(node_seed.network_config)}
    assert values["instance-id"] == node_seed.instance_id


def test_ovf_properties_show_the_identity_in_the_user_data(node_seed: Seed) -> None:
    values = ovf.properties(node_seed)
    assert {key: values[key] for key in ("hostname", "address", "gateway", "peers", "priority", "alert-sender")} == {
        "hostname": "lb1.example.com",
        "address": "192.168.56.11/24",
        "gateway": "192.168.56.1",
        "peers": "192.168.56.12",
        "priority": "254",
        "alert-sender": "lb1@example.com",
    }


@pytest.mark.parametrize("guest", all_guests().values(), ids=all_guests())
def test_without_a_gateway_the_property_is_empty(guest: Facts) -> None:
    cluster = quickstart(network={"gateway": None})
    assert ovf.properties(seed(cluster, cluster.nodes[0], guest))["gateway"] == ""


def test_the_descriptor_offers_exactly_the_properties_that_a_seed_fills(node_seed: Seed) -> None:
    assert list(ovf.properties(node_seed)) == [key for entries in PROPERTIES.values() for key, _, _ in entries]


def test_the_whole_environment() -> None:
    assert_golden(
        "rendered/seed/ovf-env.xml", ovf.ovf_environment({"hostname": "lb1.example.com", "user-data": "I2Ns"})
    )


def test_the_transport_cd_has_the_environment_and_a_label_that_ds_identify_knows(node_seed: Seed) -> None:
    iso = pycdlib.PyCdlib()
    iso.open_fp(io.BytesIO(ovf.image(node_seed)))
    assert iso.pvd.volume_identifier.decode().strip() == "OVF ENV"
    data = io.BytesIO()
    iso.get_file_from_iso_fp(data, joliet_path="/ovf-env.xml")
    iso.close()
    name = f"{{{ovf.NAMESPACE}}}"
    properties = ET.fromstring(data.getvalue()).iter(f"{name}Property")
    assert {each.get(f"{name}key"): each.get(f"{name}value") for each in properties} == ovf.properties(node_seed)


@pytest.mark.parametrize("name", transports())
def test_every_transport_writes_files_that_only_their_owner_can_read(tmp_path: Path, name: str) -> None:
    seeds = write_all(quickstart(), GUEST, tmp_path, transport=find_transport(name))
    assert set(seeds) == {"lb1.example.com", "lb2.example.com"}
    for path in seeds.values():
        assert path.exists()
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_seed_folder_has_the_file_names_of_nocloud(tmp_path: Path, node_seed: Seed) -> None:
    place = write_all(quickstart(), GUEST, tmp_path, transport=find_transport("folder"))["lb1.example.com"]
    assert {path.name: path.read_text() for path in place.iterdir()} == node_seed.files()


@pytest.mark.parametrize("name", ["guestinfo", "ovf"])
def test_a_transport_that_would_reveal_a_secret_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(seed_file, "has_secrets", lambda _: True)
    with pytest.raises(UserError, match=f"which {name} would reveal"):
        write_all(quickstart(), GUEST, tmp_path, transport=find_transport(name))
    assert list(tmp_path.iterdir()) == []
    assert write_all(quickstart(), GUEST, tmp_path, transport=find_transport("iso"))


def test_a_cluster_with_a_certificate_or_a_password_has_secrets() -> None:
    plain = quickstart()
    tls = plain.tls.model_copy(update={"certificates": ("one",)})
    assert not identity.has_secrets(plain)
    assert identity.has_secrets(plain.model_copy(update={"tls": tls}))
    assert identity.has_secrets(plain.model_copy(update={"statistics": "page"}))


def test_only_transports_whose_seeds_are_private_carry_secrets() -> None:
    """Anyone who may view a VMware machine can read its configuration."""
    assert [name for name, each in transports().items() if each.carries_secrets and each.settings] == []


def test_a_transport_without_a_cd_lists_those_that_have_one(node_seed: Seed) -> None:
    with pytest.raises(UserError, match="transport guestinfo has no CD") as caught:
        find_transport("guestinfo").cd(node_seed)
    assert caught.value.hint == "use one of: iso, ovf"


@pytest.mark.parametrize("name", transports())
def test_the_documentation_has_a_row_for_each_transport(name: str) -> None:
    page = resources("docs", "vsphere.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("|") and f"--transport {name}`" in line]
