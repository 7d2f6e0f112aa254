"""The files that a bake puts into the guest, compared with golden files."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builder.core.errors import UserError
from builder.core.paths import resources
from builder.core.quoting import UnwritableValue
from builder.guests import Facts, all_guests
from builder.guests.debian12 import GUEST
from builder.render import FILE_TIME, appliance, payload, render
from builder.seed.identity import TEMPLATE, keepalived_conf, marks
from builder.spec.load import load
from builder.spec.model import Statistics
from tests import examples
from tests.golden import assert_golden
from tests.specs import quickstart

FACTS = GUEST


@pytest.mark.parametrize("path", sorted(appliance(quickstart(), FACTS, "2.3.3")))
def test_every_file_of_the_quickstart(path: str) -> None:
    assert_golden(f"rendered/guest{path}", appliance(quickstart(), FACTS, "2.3.3")[path].content)


@pytest.mark.parametrize(
    ("guest", "path"),
    [
        ("debian12", "/usr/share/vipforge/firewall.nft"),
        ("debian12", "/etc/firewalld/zones/vipforge.xml"),
        ("debian12", "/etc/snmp/snmpd.conf"),
        ("rocky9", "/etc/firewalld/direct.xml"),
    ],
)
def test_files_of_nodes_with_a_management_card(guest: str, path: str) -> None:
    cluster = load(examples.FOLDER / "management.yml")
    cluster = cluster.model_copy(update={"statistics": Statistics(password=Path("password"))})
    files = appliance(cluster, all_guests()[guest], "2.3.4")
    assert_golden(f"rendered/two-cards/{guest}{path}", files[path].content)


def test_management_may_stay_on_the_clusters_card() -> None:
    """With all switches off, the second card has an address, and nothing listens there alone."""
    cluster = load(examples.FOLDER / "management.yml")
    one_card = appliance(cluster.model_copy(update={"management": None}), FACTS, "2.3.4")
    unused = cluster.management.model_copy(update={"ssh": False, "snmp": False, "statistics": False})
    two_cards = appliance(cluster.model_copy(update={"management": unused}), FACTS, "2.3.4")
    differing = {path for path in two_cards if two_cards[path] != one_card.get(path)}
    assert differing == {"/usr/share/vipforge/firewall.nft"}
    assert "dport 22 accept" in two_cards["/usr/share/vipforge/firewall.nft"].content


@pytest.mark.parametrize(("profile", "version"), [("classic", "1.2.13"), ("standard", "2.2.7"), ("fast", "2.3.4")])
def test_each_profile_as_a_node_runs_it(profile: str, version: str) -> None:
    cluster = quickstart(vrrp={"profile": profile}, keepalived=version)
    conf = keepalived_conf(cluster, cluster.nodes[0], FACTS, version, "ens160")
    assert_golden(f"rendered/keepalived/{profile}-{version}.conf", conf)


@pytest.mark.parametrize(("name", "node"), [("active-active", 0), ("active-active", 1), ("ipv6", 0)])
def test_the_examples_of_several_instances(name: str, node: int) -> None:
    cluster = load(examples.FOLDER / f"{name}.yml")
    conf = keepalived_conf(cluster, cluster.nodes[node], FACTS, "2.3.3", "ens160")
    assert_golden(f"rendered/keepalived/{name}-lb{node + 1}.conf", conf)


def test_with_ipv6_vips_the_kernel_lets_haproxy_bind_them_early() -> None:
    settings = "/etc/sysctl.d/60-vipforge.conf"
    with_ipv6 = appliance(load(examples.FOLDER / "ipv6.yml"), FACTS, "2.3.3")
    assert "net.ipv6.ip_nonlocal_bind = 1\n" in with_ipv6[settings].content
    ready = with_ipv6["/usr/libexec/vipforge/ready-network"].content
    assert 'echo 100 >"/proc/sys/net/ipv6/neigh/$1/retrans_time_ms"\n' in ready
    assert with_ipv6["/usr/share/vipforge/vips"].content.splitlines()[:2] == [
        "192.168.59.10/24",
        "2001:db8:59::10/128",
    ]
    assert "ipv6" not in appliance(quickstart(), FACTS, "2.3.3")[settings].content


def test_an_instance_with_both_families_advertises_only_ipv4_addresses() -> None:
    vips = ["2001:db8::10", "192.168.56.10"]
    nodes = [node.model_dump(mode="json") for node in quickstart().nodes]
    for number, node in enumerate(nodes):
        node["address6"] = f"2001:db8::{number + 1}"
    cluster = quickstart(vrrp={"vips": vips}, network={"prefix6": 64}, nodes=nodes)
    text = keepalived_conf(cluster, cluster.nodes[0], FACTS, "2.3.3", "eth0")
    advertised, excluded = text.split("virtual_ipaddress {")[1].split("virtual_ipaddress_excluded {")
    assert "unicast_src_ip 192.168.56.11" in text
    assert "192.168.56.10/24 dev eth0" in advertised
    assert "2001:db8::10" not in advertised
    assert "2001:db8::10/128 dev eth0" in excluded


def test_the_second_node_differs_only_in_its_identity() -> None:
    cluster = quickstart(vrrp={"profile": "classic"})
    first, second = (keepalived_conf(cluster, node, FACTS, "2.3.3", "eth0").splitlines() for node in cluster.nodes)
    differing = {line.split()[0] for line, other in zip(first, second, strict=True) if line != other}
    assert differing == {"!", "router_id", "notification_email_from", "smtp_helo_name", "priority"}


def test_every_mark_in_the_template_is_replaced() -> None:
    cluster = quickstart()
    assert not re.search(r"@[A-Z_]+@", keepalived_conf(cluster, cluster.nodes[0], FACTS, "2.3.3", "eth0"))


def test_the_image_holds_no_identity() -> None:
    """Names, addresses, priorities and alert senders of nodes come only with the seed."""
    cluster = quickstart()
    everything = "".join(file.content for file in appliance(cluster, FACTS, "2.3.3").values())
    for node in cluster.nodes:
        assert node.name not in everything
        assert str(node.address) not in everything
        assert node.alert_sender not in everything


def test_without_alerts_nothing_is_mailed() -> None:
    cluster = quickstart(alerts=None)
    conf = appliance(cluster, FACTS, "2.3.3")[TEMPLATE].content
    assert "smtp" not in conf
    assert "notification" not in conf


def test_an_old_keepalived_gets_only_keywords_that_it_supports() -> None:
    cluster = quickstart(vrrp={"profile": "classic"})
    conf = appliance(cluster, FACTS, "1.2.13")[TEMPLATE].content
    for word in ("smtp_helo_name", "script_user", "enable_script_security", "vrrp_version", "track_file"):
        assert word not in conf


def test_a_template_that_renders_to_nothing_yields_no_file() -> None:
    cluster = quickstart(network={"dns": []})
    assert "/etc/resolv.conf" not in appliance(cluster, FACTS, "2.3.3")
    assert "/etc/resolv.conf" in appliance(quickstart(), FACTS, "2.3.3")


def test_only_programs_are_executable() -> None:
    files = appliance(quickstart(), FACTS, "2.3.3")
    programs = {path for path, file in files.items() if file.mode == 0o755}
    assert programs == {path for path, file in files.items() if file.content.startswith("#!")}


def test_the_payload_is_the_same_for_the_same_files() -> None:
    first, second = (payload(appliance(quickstart(), FACTS, "2.3.3")) for _ in range(2))
    assert first == second


def test_the_payload_unpacks_as_root_owned_files() -> None:
    files = appliance(quickstart(), FACTS, "2.3.3")
    with tarfile.open(fileobj=io.BytesIO(payload(files))) as tar:
        entries = {"/" + entry.name: entry for entry in tar}
    assert entries.keys() == files.keys()
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries.values()} == {(0, 0, FILE_TIME)}
    assert entries["/usr/libexec/vipforge/identity"].mode == 0o755


def test_the_error_for_an_undefined_name_has_the_path_of_the_template(tmp_path: Path) -> None:
    template = tmp_path / "broken.j2"
    template.write_text("fine\n{{ nobody }}\n")
    with pytest.raises(UserError, match=r"broken\.j2.*'nobody' is undefined"):
        render(template)


def test_the_error_for_a_broken_template_has_its_line(tmp_path: Path) -> None:
    template = tmp_path / "broken.j2"
    template.write_text("fine\n{% if %}\n")
    with pytest.raises(UserError, match=r"broken\.j2:2"):
        render(template)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("haproxy.cfg", "a #b", r"a\ \#b"),
        ("zone.xml", "<a & b>", "&lt;a &amp; b&gt;"),
        ("ready-network", "a b; reboot", "'a b; reboot'"),
        ("vipforge.repo", "Rocky Linux 9", "Rocky Linux 9"),
        ("anything.conf", "a@example.com", "a@example.com"),
    ],
)
def test_a_value_is_written_in_the_language_of_the_file(tmp_path: Path, name: str, value: str, text: str) -> None:
    template = tmp_path / f"{name}.j2"
    template.write_text("{{ value }}")
    assert render(template, value=value) == text


@pytest.mark.parametrize(
    "text",
    [
        '{{ " a #b" if value else "c d" }}',
        '{{ " a #b" if not value }} a #b',
        '{% set own = " a #b" if value %}{{ own }}',
        "{% set own %} a #b{% endset %}{{ own }}",
    ],
)
def test_text_of_the_template_stays_as_it_is(tmp_path: Path, text: str) -> None:
    template = tmp_path / "haproxy.cfg.j2"
    template.write_text(text)
    assert render(template, value="x y") == " a #b"


def test_a_value_in_a_block_is_written_once(tmp_path: Path) -> None:
    template = tmp_path / "haproxy.cfg.j2"
    template.write_text("{% set own %}is {{ value }}{% endset %}{{ own }}")
    assert render(template, value="x y") == r"is x\ y"


@pytest.mark.parametrize("name", ["haproxy.cfg", "zone.xml", "vipforge.repo", "keepalived.conf", "anything.conf"])
@pytest.mark.parametrize("value", ["two\nlines", "\x1b"])
def test_a_value_that_the_file_cannot_have_is_never_written(tmp_path: Path, name: str, value: str) -> None:
    template = tmp_path / f"{name}.j2"
    template.write_text("{{ value }}")
    with pytest.raises(UnwritableValue):
        render(template, value=value)


@pytest.mark.parametrize("value", ["a b", "a!b", "a#b", 'a"b', "a$b", "a{b", "a;b", "a\\b", "a%b"])
def test_a_file_without_quotes_gets_plain_words_only(tmp_path: Path, value: str) -> None:
    template = tmp_path / "keepalived.conf.j2"
    template.write_text("router_id {{ value }}")
    with pytest.raises(UnwritableValue):
        render(template, value=value)


def test_a_nodes_peers_do_not_include_itself() -> None:
    cluster = quickstart()
    assert marks(cluster, cluster.nodes[1], "eth0")["PEERS"] == "192.168.56.11"


def test_the_boot_firewall_opens_the_same_ports_as_firewalld() -> None:
    files = appliance(quickstart(snmp=True), FACTS, "2.3.3")
    rules = files["/usr/share/vipforge/firewall.nft"].content
    zone = ET.fromstring(files["/etc/firewalld/zones/vipforge.xml"].content)
    ports = {f"{port.get('protocol')} dport {port.get('port')} accept" for port in zone.findall("port")}
    opened = {line.strip() for line in rules.splitlines() if "dport" in line}
    assert opened == ports | {"tcp dport 22 accept", "ip saddr @peers tcp dport 10001 accept"}
    assert "vrrp" in rules
    assert "policy drop" in rules


@pytest.mark.parametrize("facts", all_guests().values(), ids=lambda facts: facts.name)
def test_no_file_hides_a_setting_that_a_step_of_the_bake_makes_in_run(facts: Facts) -> None:
    """systemd ignores a drop-in in /run if there is one of the same name in /etc (systemd-system.conf(5))."""
    steps = "".join(resources("packer", "provision", name).read_text() for name in facts.provision)
    made = re.findall(r"/run/(systemd/[\w./-]+\.conf\b(?!\.))", steps)
    assert not [path for path in made if f"/etc/{path}" in appliance(quickstart(), facts, "2.3.4")]
