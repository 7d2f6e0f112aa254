"""Build a node's seed, and write the seeds of a cluster to files on this host."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from builder import render
from builder.core.errors import UserError
from builder.core.files import FileBatch, file_batch
from builder.core.quoting import yaml_text
from builder.guests import Facts, GuestFile
from builder.seed.identity import has_secrets, identity, identity_files, listener_files
from builder.seed.network import HardwareAddresses, Known, cards, spec_addresses
from builder.seed.transports import Seed, Transport, base64_text, nocloud
from builder.spec.model import Cluster, Node

PRIVATE = 0o600
FOLDER_MODE = 0o700
USER_DATA_HEADER = "#cloud-config\n# Written by vipforge.\n"
"""The first line says what the text is (cloud-init's documentation, "User-data formats")."""
NO_FILES: Mapping[str, GuestFile] = MappingProxyType({})


def seed(
    cluster: Cluster,
    node: Node,
    facts: Facts,
    extra_keys: Sequence[str] = (),
    public: Mapping[str, GuestFile] = NO_FILES,
    *,
    known: HardwareAddresses | None = None,
) -> Seed:
    """The node's seed. `extra_keys` are further SSH public keys for the operator (the lab has one).

    `public` are files that the image lacks, by path in the guest. `known` are the hardware addresses of the machine
    that is to get the seed; by default, those of the spec.
    """
    private = {**identity_files(cluster, node), **listener_files(cluster, node, facts)}
    context = {
        "cluster": cluster,
        "node": node,
        "facts": facts,
        "files": private,
        "public": {path: (base64_text(file.content), f"{file.mode:04o}") for path, file in public.items()},
        "cards": list(cards(cluster, node, facts, known or spec_addresses(cluster, node))),
        "ssh_keys": [*cluster.operator.ssh_keys, *extra_keys],
    }
    network = render.cloud_init("network-config", **context)
    user_data = USER_DATA_HEADER + yaml_text(render.cloud_init("user-data", **context))
    network_config = yaml_text(network)
    instance_id = _instance_id(node, user_data, network_config)
    meta_data = yaml_text(render.cloud_init("meta-data", **context, instance_id=instance_id))
    direct = _direct(facts, network, private, public) if facts.network_file else NO_FILES
    return Seed(user_data, meta_data, network_config, instance_id, identity(cluster, node), direct)


def _direct(
    facts: Facts, network: Mapping[str, object], private: Mapping[str, str], public: Mapping[str, GuestFile]
) -> dict[str, GuestFile]:
    """The seed's files, with the network as a netplan file, in which everything is below `network` (netplan-yaml)."""
    files = {**private, facts.network_file: yaml_text({"network": network})}
    own = {path: GuestFile(content, PRIVATE) for path, content in files.items()}
    return {**own, **public}


def _instance_id(node: Node, *texts: str) -> str:
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return f"{node.name.split('.')[0]}-{digest[:16]}"


def write_all(
    cluster: Cluster,
    facts: Facts,
    folder: Path,
    extra_keys: Sequence[str] = (),
    *,
    transport: Transport = nocloud.ISO,
) -> dict[str, Path]:
    """Write one seed per node into `folder`; returns the file or folder of each node's seed by the node's name.

    Raises UserError if the transport would reveal a secret.
    """
    with file_batch() as files:
        return write_seeds(cluster, facts, folder, files, extra_keys, transport=transport)


def write_seeds(
    cluster: Cluster,
    facts: Facts,
    folder: Path,
    files: FileBatch,
    extra_keys: Sequence[str] = (),
    *,
    transport: Transport = nocloud.ISO,
    known: Known = spec_addresses,
) -> dict[str, Path]:
    """Write the seeds as `write_all` does, but among `files`, which the caller publishes together.

    `known` returns the hardware addresses of a node's machine.
    """
    check_target(cluster, transport)
    return {
        node.name: _write(
            seed(cluster, node, facts, extra_keys, known=known(cluster, node)), folder / node.name, files, transport
        )
        for node in cluster.nodes
    }


def check_target(cluster: Cluster, transport: Transport) -> None:
    """Raise UserError if the seeds contain a secret that the transport would reveal (docs/vsphere.md)."""
    if has_secrets(cluster) and not transport.carries_secrets:
        raise UserError(
            f"the seeds of {cluster.cluster} contain a private key or a password, which {transport.name} would reveal",
            hint="use the ISO: anyone who may view the machine can read its variables and properties",
        )


def _write(node_seed: Seed, stem: Path, files: FileBatch, transport: Transport) -> Path:
    """Write one seed as a file or folder whose name is `stem` with the transport's suffix."""
    path, content = stem.with_name(f"{stem.name}{transport.suffix}"), transport.files(node_seed)
    if not isinstance(content, Mapping):
        files.write(path, content, mode=PRIVATE)
        return path
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    for name, each in content.items():
        files.write(path / name, each, mode=PRIVATE)
    return path
