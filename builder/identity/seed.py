"""A node's seed: what cloud-init reads at boot, as three texts; and what of it the node serves with, as files."""

from __future__ import annotations

import base64
import hashlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from builder.guests import Facts
from builder.identity.private import files, identity
from builder.render import GuestFile, templates
from builder.spec.model import Cluster, Node

PRIVATE = 0o600
NO_FILES: Mapping[str, GuestFile] = MappingProxyType({})


@dataclass(frozen=True)
class Seed:
    """One node's cloud-init data. `instance_id` changes with anything in it: a changed seed is applied again."""

    user_data: str
    meta_data: str
    network_config: str
    instance_id: str
    identity: Mapping[str, str]
    """The lines of the identity, which the user-data holds as well."""
    direct: Mapping[str, GuestFile]
    """By path in the guest: all that the node serves with, where the guest can do without cloud-init for that."""

    def files(self) -> dict[str, str]:
        """The texts by the names that the NoCloud data source looks for."""
        return {"user-data": self.user_data, "meta-data": self.meta_data, "network-config": self.network_config}


def seed(
    cluster: Cluster,
    node: Node,
    facts: Facts,
    extra_keys: Sequence[str] = (),
    public: Mapping[str, GuestFile] = NO_FILES,
) -> Seed:
    """The node's seed; `extra_keys` are SSH public keys beside the operator's own (the lab has one).

    `public` are files that the image has not, by path in the guest.
    """
    private = files(cluster, node)
    context = {
        "cluster": cluster,
        "node": node,
        "facts": facts,
        "network": cluster.network,
        "files": private,
        "public": {path: (_base64(file.content), f"{file.mode:04o}") for path, file in public.items()},
        "ssh_keys": [*cluster.operator.ssh_keys, *extra_keys],
    }
    user_data = templates.cloud_init("user-data", **context)
    network_config = templates.cloud_init("network-config", **context)
    instance_id = _instance_id(node, user_data, network_config)
    meta_data = templates.cloud_init("meta-data", **context, instance_id=instance_id)
    direct = _direct(facts, network_config, private, public) if facts.network_file else NO_FILES
    return Seed(user_data, meta_data, network_config, instance_id, identity(cluster, node), direct)


def _direct(
    facts: Facts, network_config: str, private: Mapping[str, str], public: Mapping[str, GuestFile]
) -> dict[str, GuestFile]:
    """The seed's files, and its network as netplan wants it (netplan-yaml: all below `network`)."""
    network = "network:\n" + textwrap.indent(network_config, "  ")
    own = {path: GuestFile(content, PRIVATE) for path, content in {**private, facts.network_file: network}.items()}
    return {**own, **public}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _instance_id(node: Node, *texts: str) -> str:
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return f"{node.name.split('.')[0]}-{digest[:16]}"
