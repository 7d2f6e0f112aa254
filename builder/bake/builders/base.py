"""What every way to bake has in common: what goes in, how Packer gets into the guest and how it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder import remote
from builder.bake.access import Access
from builder.foundations import Foundation
from builder.guests import Medium

Source = dict[str, Any]


@dataclass(frozen=True)
class TemplateInputs:
    """Everything the template names. Sizes of memory are MiB; all paths are absolute."""

    foundation: Foundation
    foundation_sha256: str
    accelerator: str
    payload: Path
    scripts: tuple[Path, ...]
    access: Access
    output: Path
    console: Path
    memory: int
    ssh_minutes: int
    cluster: str
    """Names the template that a vCenter is to have."""
    disk_interface: str
    disk_gib: int
    """The size of the disk that an installer fills."""
    guest_type: str
    """What vSphere calls the guest."""
    cpus: int = 2
    http: Path | None = None
    """A folder that Packer serves to the guest."""
    environment: tuple[str, ...] = ()
    """NAME=VALUE for the provision steps."""
    packages: Path | None = None
    """Where the list goes that a guest makes of its packages."""


@dataclass(frozen=True)
class Builder:
    """One way to bake. `kind` and `plugin` are Packer's words; `local` ones leave their disk on this host."""

    name: str
    kind: str
    plugin: str
    medium: Medium
    source: Callable[[TemplateInputs], Source]
    local: bool = True
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Packer's input variables, which a var file or the environment (PKR_VAR_name) fills."""


def communicator(inputs: TemplateInputs, user: str) -> Source:
    """How Packer gets into the guest, and out of it."""
    return {
        "communicator": "ssh",
        "shutdown_command": leave(user),
        "ssh_private_key_file": str(inputs.access.private_key),
        "ssh_timeout": f"{inputs.ssh_minutes}m",
        "ssh_username": user,
    }


def leave(user: str) -> str:
    """Shut the guest down; an account that was there for the bake alone goes first, or it does not shut down."""
    if user == "root":
        # No unit has anything to save: all processes are ended at once, and the file systems unmounted (systemctl(1)).
        return "systemctl poweroff --force"
    gone = f"[ {user} = root ] || {{ userdel --force --remove {user}; ! getent passwd {user}; }}"
    return remote.command(f"{gone} && rm -f /etc/sudoers.d/90-cloud-init-users && systemctl poweroff", root=True)


def as_root(user: str) -> str:
    """How Packer runs a provision step (its `execute_command`)."""
    return f"{'' if user == 'root' else remote.SUDO}{remote.ENVIRONMENT} {{{{.Vars}}}} sh -eu '{{{{.Path}}}}'"


def seed(access: Access) -> Source:
    """The CD that answers the guest's first questions, where there is one."""
    return {"cd_files": [str(path) for path in access.seed], "cd_label": access.label} if access.seed else {}
