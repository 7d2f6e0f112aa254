"""netplan's own generator reads a debian12 node's network: each part is for one card."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.core.run import run
from builder.guests.debian12 import GUEST
from builder.lab.network import macs
from builder.seed.network import spec_addresses
from builder.seed.seed import seed
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.integration

NAMES = {
    "spec": ["Name=eth0", "Name=eth1"],
    "lab": ["PermanentMACAddress={primary}", "PermanentMACAddress={management}"],
}


@pytest.mark.parametrize(("known", "matches"), [(spec_addresses, NAMES["spec"]), (macs, NAMES["lab"])], ids=NAMES)
def test_each_file_of_networkd_is_for_one_card(tmp_path: Path, known, matches: list[str]) -> None:
    cluster = load(examples.FOLDER / "management.yml")
    node = cluster.nodes[0]
    for path, file in seed(cluster, node, GUEST, known=known(cluster, node)).direct.items():
        if path == GUEST.network_file:
            (tmp_path / path.lstrip("/")).parent.mkdir(parents=True)
            (tmp_path / path.lstrip("/")).write_text(file.content)
            (tmp_path / path.lstrip("/")).chmod(0o600)
    run(["netplan", "generate", "--root-dir", tmp_path], timeout=60)
    files = sorted((tmp_path / "run/systemd/network").iterdir(), reverse=True)
    assert [file.name for file in files] == ["10-netplan-primary.network", "10-netplan-management.network"]
    primary, management = (file.read_text() for file in files)
    cards = macs(cluster, node)
    for text, match in zip((primary, management), matches, strict=True):
        expected = match.format(primary=cards.primary, management=cards.management)
        assert re.findall(r"\[Match\]\n((?:\S+\n)+)", text) == [f"{expected}\n"]
    assert "RequiredForOnline=no\n" in management
    assert "RequiredForOnline" not in primary
    assert re.findall(r"^(?:Address|Destination)=(.*)", management, re.MULTILINE) == ["10.9.0.11/24", "10.20.0.0/16"]
