"""A node's private files: what a seed contains, and what must not leak."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from builder.core.errors import UserError
from builder.guests.debian12 import GUEST
from builder.seed.identity import STATISTICS, identity_files
from builder.seed.seed import seed
from builder.spec.load import load
from builder.spec.model import Cluster
from tests import examples
from tests.certificates import issue


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return load(examples.with_files("exchange2013", tmp_path))


def test_a_certificate_and_its_key_are_in_one_file(cluster: Cluster) -> None:
    pem = identity_files(cluster, cluster.nodes[0])["/etc/vipforge/tls/mail.pem"]
    assert (pem.count("BEGIN CERTIFICATE"), pem.count("BEGIN PRIVATE KEY")) == (2, 1)
    assert pem.index("CERTIFICATE") < pem.index("PRIVATE KEY")


def test_the_statistics_page_listens_on_the_nodes_own_address(cluster: Cluster) -> None:
    text = identity_files(cluster, cluster.nodes[1])[STATISTICS]
    assert "bind 192.168.56.12:8404\n" in text
    assert f"stats auth stats:{examples.PASSWORD}\n" in text


def test_cloud_init_writes_all_of_them_readable_by_root_only(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    written = yaml.safe_load(seed(cluster, node, GUEST).user_data)["write_files"]
    assert {each["path"]: each["content"] for each in written} == identity_files(cluster, node)
    assert {(each["owner"], each["permissions"]) for each in written} == {("root:root", "0600")}


def test_a_seed_has_an_authority_for_each_service_that_verifies_with_it(tmp_path: Path) -> None:
    path = examples.with_files("exchange2013", tmp_path)
    text = path.read_text().replace("    certificate: mail", "    certificate: mail\n    authority: ca.pem")
    path.write_text(text)
    (tmp_path / "ca.pem").write_bytes(issue("Farm").pem())
    cluster = load(path)
    assert "/etc/vipforge/tls/exchange-web.authority.pem" in identity_files(cluster, cluster.nodes[0])


def test_another_certificate_makes_another_seed(cluster: Cluster) -> None:
    first = seed(cluster, cluster.nodes[0], GUEST).instance_id
    examples.provide(cluster)
    assert seed(cluster, cluster.nodes[0], GUEST).instance_id != first


def test_no_seed_contains_what_check_refuses(cluster: Cluster) -> None:
    secret = issue("other").key_pem()
    cluster.tls.certificates[0].key.write_bytes(secret)
    with pytest.raises(UserError, match="does not belong to the first certificate") as caught:
        identity_files(cluster, cluster.nodes[0])
    assert secret.decode().splitlines()[1] not in str(caught.value)
