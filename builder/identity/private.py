"""The files that are a node's alone: its identity, and the secrets that no image may hold. cloud-init writes them."""

from __future__ import annotations

from pathlib import Path

from builder import paths
from builder.errors import UserError
from builder.render import templates, tls_files
from builder.render.keepalived import alert_sender
from builder.spec import certificates, secret
from builder.spec.model import Cluster, Node
from builder.spec.syntax import Unfit
from builder.spec.tls_checks import findings

IDENTITY = "/etc/vipforge/identity"
STATISTICS = "/etc/vipforge/statistics.cfg"


def files(cluster: Cluster, node: Node) -> dict[str, str]:
    """Path in the guest to content, all for root alone (mode 0600).

    Raises UserError where a file that the spec names is missing or wrong; no message holds any of a secret.
    """
    faults = findings(cluster).faults
    if faults:
        told = "; ".join(fault.reason for fault in faults)
        raise UserError(told, hint="`vipforge check` shows the lines of the spec")
    lines = "".join(f"{key}={value}\n" for key, value in identity(cluster, node).items())
    return {IDENTITY: lines, **_tls(cluster), **_statistics(cluster, node)}


def has_secrets(cluster: Cluster) -> bool:
    """Whether a seed of the cluster holds a key or a password, so that not every transport may carry it."""
    return bool(cluster.tls.certificates or cluster.statistics)


def identity(cluster: Cluster, node: Node) -> dict[str, str]:
    """The lines of /etc/vipforge/identity, which the guest's identity program reads.

    PRIORITY has one number for each VRRP instance, in the order of keepalived.conf.
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
    }


def _ipv6(cluster: Cluster, node: Node) -> dict[str, str]:
    """The lines of a node that has an IPv6 address."""
    if not node.address6:
        return {}
    return {
        "ADDRESS6": str(node.address6),
        "PREFIX6": str(cluster.network.prefix6),
        "PEERS6": " ".join(str(other.address6) for other in cluster.nodes if other != node and other.address6),
    }


def _tls(cluster: Cluster) -> dict[str, str]:
    """Certificates, each with its key as HAProxy wants them, and the authorities of servers."""
    pairs = {tls_files.guest_path(each.name): _text(each.chain) + _text(each.key) for each in cluster.tls.certificates}
    authorities = {
        tls_files.authority_path(service): _text(service.reencrypt.authority)
        for service in cluster.services
        if service.reencrypt and service.reencrypt.authority
    }
    return {**pairs, **authorities}


def _text(path: Path) -> str:
    try:
        return certificates.read(path).decode("ascii").strip() + "\n"
    except (Unfit, UnicodeDecodeError):
        raise UserError(f"{path} is no PEM file", hint="`vipforge check` says more") from None


def _statistics(cluster: Cluster, node: Node) -> dict[str, str]:
    if not cluster.statistics:
        return {}
    password = secret.password(cluster.statistics.password)
    template = paths.resources("packer", "haproxy", "statistics.j2")
    return {STATISTICS: templates.render(template, node=node, statistics=cluster.statistics, password=password)}
