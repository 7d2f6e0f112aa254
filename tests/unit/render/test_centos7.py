"""Files for CentOS 7 use only keywords that its old programs support; each list has all keywords of a release."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder.guests import all_guests
from builder.render import appliance
from builder.render.haproxy import HaproxyTooOld
from builder.seed.identity import keepalived_conf
from builder.spec.load import load
from builder.spec.model import Cluster, Node
from tests.golden import assert_golden
from tests.specs import quickstart

WORDS = Path(__file__).parents[2] / "words"
EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yml"))
SPEC = next(path for path in EXAMPLES if path.name == "exchange2013-centos7.yml")
FACTS = all_guests()["centos7"]


PAIRED = {
    *("option", "timeout", "stats", "stick", "capture"),
    *("http-check", "http-request", "http-response", "tcp-request", "tcp-check"),
}
# those of systemd.unit(5), systemd.service(5) and systemd.exec(5) of systemd 219 that vipforge's units use
SYSTEMD_219 = {
    "Unit": {"Description", "Requires", "Wants", "After", "Before", "Conflicts", "DefaultDependencies"},
    "Service": {
        *(
            "Type",
            "RemainAfterExit",
            "ExecStart",
            "ExecStartPre",
            "ExecStartPost",
            "ExecReload",
            "ExecStop",
            "ExecStopPost",
            "Nice",
        ),
        *(
            "KillMode",
            "SuccessExitStatus",
            "Restart",
            "RestartSec",
            "StartLimitInterval",
            "TimeoutStartSec",
            "EnvironmentFile",
            "RuntimeDirectory",
        ),
    },
    "Install": {"WantedBy"},
}


def words(name: str) -> set[str]:
    """The keywords in a list of tests/words/."""
    lines = (WORDS / f"{name}.txt").read_text().splitlines()
    return {word for line in lines if not line.startswith("#") for word in line.split()}


def rendered(spec: Cluster, keepalived: str = "1.2.13") -> dict[str, str]:
    return {path: file.content for path, file in appliance(spec, FACTS, keepalived).items()}


def own_files() -> list[str]:
    """The files that differ from those of debian12."""
    common = appliance(load(SPEC), all_guests()["debian12"], "1.2.13")
    return sorted(
        path for path, text in rendered(load(SPEC)).items() if path not in common or common[path].content != text
    )


@pytest.mark.parametrize("path", own_files())
def test_every_file_that_differs_for_the_articles_cluster(path: str) -> None:
    assert_golden(f"rendered/centos7{path}", rendered(load(SPEC))[path])


def keepalived_words(cluster: Cluster, node: Node) -> set[str]:
    conf = keepalived_conf(cluster, node, FACTS, "1.2.13", "eth0")
    lines = [line.strip() for line in conf.splitlines()]
    return {line.split()[0] for line in lines if re.match(r"[a-z]", line) and "@" not in line.split()[0]}


CLASSIC = {path.stem: load(path) for path in EXAMPLES if load(path).vrrp.profile == "classic"} | {
    "no preemption": quickstart(vrrp={"profile": "classic", "preempt": False}),
    "no alerts": quickstart(vrrp={"profile": "classic"}, alerts=None),
    "several VIPs": quickstart(vrrp={"profile": "classic", "vips": ["192.168.56.10", "192.168.56.9"]}),
    "SNMP": quickstart(vrrp={"profile": "classic"}, snmp=True),
}


@pytest.mark.parametrize("cluster", CLASSIC.values(), ids=CLASSIC)
def test_the_classic_profile_uses_no_word_that_keepalived_1_2_13_lacks(cluster: Cluster) -> None:
    for node in cluster.nodes:
        used = keepalived_words(cluster, node)
        assert used - words("keepalived-1.2.13") == {"check_haproxy"}  # the name of the script
        assert {"vrrp_instance", "vrrp_script", "virtual_ipaddress", "track_script"} <= used


def test_a_keyword_that_1_2_13_lacks_would_be_found() -> None:
    modern = quickstart(vrrp={"profile": "standard"})
    conf = keepalived_conf(modern, modern.nodes[0], FACTS, "2.3.4", "eth0")
    assert "vrrp_version" in conf
    assert "vrrp_version" not in words("keepalived-1.2.13")


def test_the_articles_cluster_mails_on_every_change() -> None:
    cluster = load(SPEC)
    assert {"smtp_alert", "notification_email_from", "smtp_server"} <= keepalived_words(cluster, cluster.nodes[0])


def haproxy_words(text: str) -> set[str]:
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    plain = ((line[1:] if line[0] == "no" else line) for line in lines)
    return {"_".join(line[:2]) if line[0] in PAIRED else line[0] for line in plain}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_example_uses_a_keyword_that_haproxy_1_5_lacks(path: str) -> None:
    text = rendered(load(path), "2.3.4")["/etc/haproxy/haproxy.cfg"]
    assert haproxy_words(text) - words("haproxy-1.5") == set()
    assert "expose-fd" not in text


def test_a_newer_haproxy_from_source_gets_its_unit_and_its_keywords() -> None:
    files = rendered(quickstart(haproxy={"source": "3.0.11"}), "2.3.4")
    assert "ExecStart=/usr/local/sbin/haproxy -Ws" in files["/etc/systemd/system/haproxy.service.d/source.conf"]
    assert "expose-fd listeners" in files["/etc/haproxy/haproxy.cfg"]
    assert "/etc/systemd/system/haproxy.service.d/source.conf" not in rendered(quickstart(), "2.3.4")


def test_a_stop_ends_every_process_of_haproxy_1_5() -> None:
    """Its wrapper waits for the process from before a reload for as long as a client is connected to it."""
    drop_in = "/etc/systemd/system/haproxy.service.d/wrapper.conf"
    assert "KillMode=control-group\n" in rendered(quickstart(), "2.3.4")[drop_in]
    assert drop_in not in rendered(quickstart(haproxy={"source": "3.0.11"}), "2.3.4")


def test_a_newer_haproxy_lacks_tls_1_3_with_an_old_openssl() -> None:
    cluster = quickstart(haproxy={"source": "3.0.11"}, tls={"minimum": "1.3"})
    with pytest.raises(HaproxyTooOld, match=r"HAProxy 3\.0\.11 in CentOS 7 does not support TLS 1\.3"):
        rendered(cluster, "2.3.4")


def test_a_check_with_a_host_uses_the_old_syntax() -> None:
    services = [{**each, "check": {"path": "/up", "host": "www.example.com"}} for each in plain_services()]
    text = rendered(quickstart(services=services), "2.3.4")["/etc/haproxy/haproxy.cfg"]
    assert r"option httpchk GET /up HTTP/1.1\r\nHost:\ www.example.com" in text
    assert haproxy_words(text) - words("haproxy-1.5") == set()


def plain_services() -> list[dict]:
    servers = [{"name": "web1", "address": "192.168.56.21", "port": 8080}]
    return [{"name": "web", "port": 80, "servers": servers}]


@pytest.mark.parametrize("profile", ["classic", "standard", "fast"])
def test_units_use_only_directives_of_systemd_219(profile: str) -> None:
    files = rendered(quickstart(vrrp={"profile": profile}, haproxy={"source": "3.0.11"}), "2.3.4")
    units = {path: text for path, text in files.items() if path.startswith("/etc/systemd/system/")}
    assert len(units) >= 4
    for path, text in units.items():
        for section, key in directives(text):
            assert key in SYSTEMD_219[section], f"{path}: {key} in {section}"


def directives(text: str) -> list[tuple[str, str]]:
    section, keys = "", []
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            keys.append((section, line.split("=")[0]))
    return keys


def test_packages_are_checked_with_the_vendors_key() -> None:
    text = rendered(load(SPEC))["/etc/yum.repos.d/vipforge.repo"]
    assert text.count("gpgcheck=1") == text.count("[vipforge-") == 3
    assert text.count("gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7") == 3


def test_the_mirror_in_the_spec_replaces_the_vault() -> None:
    cluster = quickstart(image={"mirror": "http://mirror.example.com/centos/7.9.2009"})
    text = rendered(cluster)["/etc/yum.repos.d/vipforge.repo"]
    assert "baseurl=http://mirror.example.com/centos/7.9.2009/updates/x86_64/\n" in text
    assert "vault" not in text


def test_a_folder_on_the_host_is_never_written_into_the_guest() -> None:
    cluster = quickstart(image={"mirror": "file:///srv/vault"})
    text = rendered(cluster)["/etc/yum.repos.d/vipforge.repo"]
    assert "/srv/vault" not in text
    assert "baseurl=https://vault.centos.org/7.9.2009/os/x86_64/ https://archive.kernel.org/" in text


def test_snmp_adds_packages_an_agent_a_port_and_an_option_of_keepalived() -> None:
    without, files = rendered(load(SPEC)), rendered(load(SPEC).model_copy(update={"snmp": True}))
    assert "net-snmp\n" in files["/usr/share/vipforge/packages"]
    assert "master agentx" in files["/etc/snmp/snmpd.conf"]
    assert "rocommunity public 192.168.15.0/24 -V vipforge" in files["/etc/snmp/snmpd.conf"]
    assert '<port port="161" protocol="udp"/>' in files["/etc/firewalld/zones/vipforge.xml"]
    assert files["/usr/share/vipforge/keepalived-options"] == "-D -P --snmp\n"
    assert "/etc/snmp/snmpd.conf" not in without
    assert "161" not in without["/etc/firewalld/zones/vipforge.xml"]
