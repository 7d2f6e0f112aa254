"""What differs from node to node: the identity, the secrets, and keepalived.conf."""

from __future__ import annotations

from pathlib import Path

from builder import render
from builder.core import paths
from builder.core.errors import UserError
from builder.core.quoting import assignments
from builder.guests import Facts
from builder.render import haproxy, overlay_text
from builder.spec import certificates
from builder.spec.checks.tls import tls_findings
from builder.spec.model import Cluster, Node
from builder.spec.syntax import InvalidValue

TEMPLATE = "/usr/share/vipforge/keepalived.conf"
PEERS = "/usr/share/vipforge/peers.cfg"
IDENTITY = "/etc/vipforge/identity"
STATISTICS = "/etc/vipforge/statistics.cfg"
SNMPD = "/etc/snmp/snmpd.local.conf"
"""Read beside snmpd.conf (snmp_config(5))."""


def keepalived_conf(cluster: Cluster, node: Node, facts: Facts, keepalived: str, interface: str) -> str:
    """The node's keepalived.conf as the guest writes it; `interface` is the one with the node's address."""
    text = overlay_text(TEMPLATE, cluster, facts, keepalived)
    for mark, value in marks(cluster, node, interface).items():
        text = text.replace(f"@{mark}@", value)
    return text


def peers_cfg(cluster: Cluster, node: Node, facts: Facts, keepalived: str) -> str:
    """The peers of the node's HAProxy as the guest writes them: the node itself, then the others."""
    others = [other for other in cluster.nodes if other != node]
    lines = overlay_text(PEERS, cluster, facts, keepalived).splitlines(keepends=True)
    return "".join(
        line.replace("@PEER@", str(each.address)).replace("@ADDRESS@", str(each.address))
        for line in lines
        for each in (others if "@PEER@" in line else [node])
    )


def marks(cluster: Cluster, node: Node, interface: str) -> dict[str, str]:
    """The value of each placeholder (@NAME@) of the template on this node."""
    others = [other for other in cluster.nodes if other != node]
    priorities = [str(cluster.priority(node, instance)) for instance in cluster.vrrp.all_instances]
    return {
        "NODE_NAME": node.name,
        "ADDRESS": str(node.address),
        **{f"PRIORITY_{number}": priority for number, priority in enumerate(priorities, start=1)},
        "ALERT_SENDER": alert_sender(node),
        "INTERFACE": interface,
        "PEERS": "\n        ".join(str(other.address) for other in others),
        "ADDRESS6": str(node.address6),
        "PEERS6": "\n        ".join(str(other.address6) for other in others),
    }


def alert_sender(node: Node) -> str:
    """The sender of the node's alerts: from the spec, or keepalived@ followed by the node's name."""
    return node.alert_sender or f"keepalived@{node.name}"


def identity_files(cluster: Cluster, node: Node) -> dict[str, str]:
    """The contents of the node's private files by their path in the guest; only root may read them (mode 0600).

    Raises UserError if a file that the spec names is missing or invalid; no message contains any part of a secret.
    """
    problems = tls_findings(cluster).problems
    if problems:
        raise UserError(
            "; ".join(problem.reason for problem in problems), hint="`vipforge check` shows the lines of the spec"
        )
    return {IDENTITY: assignments(identity(cluster, node)), **_tls(cluster), **_statistics(cluster, node)}


def listener_files(cluster: Cluster, node: Node, facts: Facts) -> dict[str, str]:
    """The private files that make sshd and snmpd listen on the node's management address alone.

    sshd gets it as an option: OpenSSH before 8.2 includes no files into its configuration.
    """
    if cluster.management is None:
        return {}
    files = {}
    if cluster.management.ssh:
        files[facts.sshd_options.path] = f'{facts.sshd_options.variable}="-o ListenAddress={node.management}"\n'
    if cluster.management.snmp and cluster.snmp:
        files[SNMPD] = f"agentAddress udp:{node.management}:161\n"
    return files


def has_secrets(cluster: Cluster) -> bool:
    """Whether the cluster's seeds contain a private key or a password, which not every transport may carry."""
    return bool(cluster.tls.certificates or cluster.statistics)


def identity(cluster: Cluster, node: Node) -> dict[str, str]:
    """The variables in /etc/vipforge/identity, which the guest's identity program reads.

    PRIORITY has one number per VRRP instance, in the order of keepalived.conf.
    """
    return {
        "NODE_NAME": node.name,
        "ADDRESS": str(node.address),
        "PREFIX": str(cluster.network.prefix),
        "INTERFACE": cluster.network.interface,
        "PRIORITY": " ".join(str(cluster.priority(node, each)) for each in cluster.vrrp.all_instances),
        "ALERT_SENDER": alert_sender(node),
        "PEERS": " ".join(str(other.address) for other in cluster.nodes if other != node),
        **_ipv6(cluster, node),
        **({"MANAGEMENT": f"{node.management}/{cluster.management.prefix}"} if cluster.management else {}),
    }


def _ipv6(cluster: Cluster, node: Node) -> dict[str, str]:
    """The variables of a node with an IPv6 address."""
    if not node.address6:
        return {}
    return {
        "ADDRESS6": str(node.address6),
        "PREFIX6": str(cluster.network.prefix6),
        "PEERS6": " ".join(str(other.address6) for other in cluster.nodes if other != node and other.address6),
    }


def _tls(cluster: Cluster) -> dict[str, str]:
    """Certificates, each in one file with its key, as HAProxy needs them, and the authorities of servers."""
    pairs = {haproxy.guest_path(each.name): _text(each.chain) + _text(each.key) for each in cluster.tls.certificates}
    authorities = {
        haproxy.authority_path(service): _text(service.reencrypt.authority)
        for service in cluster.services
        if service.reencrypt and service.reencrypt.authority
    }
    return {**pairs, **authorities}


def _text(path: Path) -> str:
    try:
        return certificates.read_file(path).decode("ascii").strip() + "\n"
    except (InvalidValue, UnicodeDecodeError):
        raise UserError(f"{path} is not a PEM file", hint="`vipforge check` shows what is wrong with it") from None


def _statistics(cluster: Cluster, node: Node) -> dict[str, str]:
    if not cluster.statistics:
        return {}
    password = certificates.read_password(cluster.statistics.password)
    template = paths.resources("packer", "haproxy", "statistics.j2")
    listens = cluster.statistics_address(node)
    context = {"node": node, "listens": listens, "statistics": cluster.statistics, "password": password}
    return {STATISTICS: render.render(template, **context)}
