"""Packer builders: the settings of each, and Packer's access to the guest. A new builder is a new module here."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from builder import render
from builder.core import paths, remote
from builder.core.errors import InvalidOption
from builder.core.files import write_atomic
from builder.core.quoting import yaml_text
from builder.core.run import need, run
from builder.guests import Facts, Medium
from builder.image.foundations import Foundation

SEED_LABEL = "cidata"
KICKSTART_LABEL = "OEMDRV"
USER_DATA = "#cloud-config\n"
"""For the default account of the vendor's image, which may use sudo."""
META_DATA = "instance-id: vipforge-bake\nlocal-hostname: vipforge-bake\n"


@dataclass(frozen=True)
class BakeAccess:
    """The private key, and how the guest gets the public one: from the kernel command line, or from files on a CD."""

    private_key: Path
    cmdline: str
    seed: tuple[Path, ...]
    label: str = SEED_LABEL
    """The label of that CD."""
    user: str = "root"


def make_access(folder: Path, foundation: Foundation, facts: Facts, *, kickstart: bool = False) -> BakeAccess:
    """Create the key and, if needed, the seed or kickstart file in `folder`, which is removed after the bake."""
    key = folder / "bake-key"
    program = need("ssh-keygen", "openssh-client")
    run([program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], timeout=30)
    public = key.with_suffix(".pub").read_text().strip()
    access = expected_access(folder, foundation, facts, public, kickstart=kickstart)
    for file, text in zip(access.seed, _texts(facts, public, kickstart=kickstart), strict=bool(access.seed)):
        write_atomic(file, text, mode=0o600)
    return access


def expected_access(
    folder: Path, foundation: Foundation, facts: Facts, key: str, *, kickstart: bool = False
) -> BakeAccess:
    """The access that `make_access` would create; `key` is the public key."""
    private = folder / "bake-key"
    if kickstart:
        return BakeAccess(private, "", (folder / "ks.cfg",), KICKSTART_LABEL)
    if foundation.kernel:
        return BakeAccess(private, f'{foundation.cmdline} systemd.set_credential="ssh.authorized_keys.root:{key}"', ())
    return BakeAccess(private, "", (folder / "user-data", folder / "meta-data"), user=facts.bake_user)


def kickstart_text(facts: Facts, key: str) -> str:
    """The kickstart file for the installer; it allows root to log in with that public key."""
    return render.render(paths.resources("packer", "http", facts.kickstart), facts=facts, key=key)


def _texts(facts: Facts, key: str, *, kickstart: bool) -> tuple[str, ...]:
    """The contents of the files in `BakeAccess.seed`, in the same order."""
    if kickstart:
        return (kickstart_text(facts, key),)
    return (USER_DATA + yaml_text({"ssh_authorized_keys": [key]}), META_DATA)


Source = dict[str, Any]


@dataclass(frozen=True)
class TemplateInputs:
    """The values in the Packer template. Memory is in MiB; all paths are absolute."""

    foundation: Foundation
    foundation_sha256: str
    accelerator: str
    payload: Path
    scripts: tuple[Path, ...]
    access: BakeAccess
    output: Path
    console: Path
    memory: int
    ssh_minutes: int
    cluster: str
    """The name of the cluster, from which the template in a vCenter gets its name."""
    disk_interface: str
    disk_gib: int
    """The size of the disk onto which an installer installs the guest."""
    guest_type: str
    """vSphere's identifier of the guest operating system."""
    cpus: int = 2
    http: Path | None = None
    """A folder that Packer serves to the guest over HTTP."""
    environment: tuple[str, ...] = ()
    """Environment variables for the provision steps, as NAME=VALUE."""
    packages: Path | None = None
    """Where Packer downloads the guest's list of packages to."""


@dataclass(frozen=True)
class Builder:
    """One way to bake. `kind` and `plugin` are Packer's names; a `local` builder leaves the disk on this host."""

    name: str
    kind: str
    plugin: str
    medium: Medium
    source: Callable[[TemplateInputs], Source]
    local: bool = True
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Packer's input variables, which come from a var file or the environment (PKR_VAR_name)."""


def communicator(inputs: TemplateInputs, user: str) -> Source:
    """The settings for logging in to the guest and for shutting it down."""
    return {
        "communicator": "ssh",
        "shutdown_command": shutdown_command(user),
        "ssh_private_key_file": str(inputs.access.private_key),
        "ssh_timeout": f"{inputs.ssh_minutes}m",
        "ssh_username": user,
    }


def shutdown_command(user: str) -> str:
    """The command that shuts the guest down; it fails if the account that only the bake needs cannot be removed."""
    if user == "root":
        # No unit has data to save: this kills all processes at once and unmounts the file systems (systemctl(1)).
        return "systemctl poweroff --force"
    remove_account = f"[ {user} = root ] || {{ userdel --force --remove {user}; ! getent passwd {user}; }}"
    return remote.command(
        f"{remove_account} && rm -f /etc/sudoers.d/90-cloud-init-users && systemctl poweroff", root=True
    )


def as_root(user: str) -> str:
    """Packer's `execute_command`, which runs a provision step as root."""
    return f"{'' if user == 'root' else remote.SUDO}{remote.ENVIRONMENT} {{{{.Vars}}}} sh -eu '{{{{.Path}}}}'"


def seed_media(access: BakeAccess) -> Source:
    """The settings of the CD with the seed or kickstart file; empty if the guest needs none."""
    return {"cd_files": [str(path) for path in access.seed], "cd_label": access.label} if access.seed else {}


@cache
def all_builders() -> tuple[Builder, ...]:
    """The builders of all modules in this package; each module lists its builders in BUILDERS."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(builder for module in modules for builder in module.BUILDERS)


def find_builder(name: str, facts: Facts) -> Builder:
    """The builder with that name; if the guest has no such builder, raises UserError, which lists the others."""
    usable = builders_for(facts)
    for builder in usable:
        if builder.name == name:
            return builder
    names = ", ".join(builder.name for builder in usable)
    raise InvalidOption(f"{facts.title} cannot be baked with the builder {name}", hint=f"use one of: {names}")


def builders_for(facts: Facts) -> tuple[Builder, ...]:
    """The builders that can bake the guest."""
    return tuple(builder for builder in all_builders() if builder.medium in facts.media)
