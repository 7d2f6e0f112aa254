"""The ways to bake: what each builder asks of Packer, and how Packer gets into the guest."""

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
from builder.core.errors import UserError
from builder.core.files import write_atomic
from builder.core.run import need, run
from builder.guests import Facts, Medium
from builder.image.foundations import Foundation

SEED_LABEL = "cidata"
KICKSTART_LABEL = "OEMDRV"
USER_DATA = "#cloud-config\nssh_authorized_keys:\n  - {key}\n"
"""For the account that the vendor's image makes; it may use sudo."""
META_DATA = "instance-id: vipforge-bake\nlocal-hostname: vipforge-bake\n"


@dataclass(frozen=True)
class BakeAccess:
    """The private key; and the way in: words for the kernel, or the files of a CD of that label."""

    private_key: Path
    cmdline: str
    seed: tuple[Path, ...]
    label: str = SEED_LABEL
    user: str = "root"


def access(folder: Path, foundation: Foundation, facts: Facts, *, kickstart: bool = False) -> BakeAccess:
    """Make the key, and the seed or the kickstart file where one is needed, in `folder`, removed after the bake."""
    key = folder / "bake-key"
    program = need("ssh-keygen", "openssh-client")
    run([program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], timeout=30)
    public = key.with_suffix(".pub").read_text().strip()
    way = expected(folder, foundation, facts, public, kickstart=kickstart)
    for file, text in zip(way.seed, _texts(facts, public, kickstart=kickstart), strict=bool(way.seed)):
        write_atomic(file, text, mode=0o600)
    return way


def expected(folder: Path, foundation: Foundation, facts: Facts, key: str, *, kickstart: bool = False) -> BakeAccess:
    """The same without making anything; `key` is the public one."""
    private = folder / "bake-key"
    if kickstart:
        return BakeAccess(private, "", (folder / "ks.cfg",), KICKSTART_LABEL)
    if foundation.kernel:
        return BakeAccess(private, f'{foundation.cmdline} systemd.set_credential="ssh.authorized_keys.root:{key}"', ())
    return BakeAccess(private, "", (folder / "user-data", folder / "meta-data"), user=facts.bake_user)


def kickstart_text(facts: Facts, key: str) -> str:
    """The file that answers the installer's questions, and lets that public key in as root."""
    return render.render(paths.resources("packer", "http", facts.kickstart), facts=facts, key=key)


def _texts(facts: Facts, key: str, *, kickstart: bool) -> tuple[str, ...]:
    """What the files of `Access.seed` hold, in their order."""
    return (kickstart_text(facts, key),) if kickstart else (USER_DATA.format(key=key), META_DATA)


Source = dict[str, Any]


@dataclass(frozen=True)
class TemplateInputs:
    """Everything the template names. Sizes of memory are MiB; all paths are absolute."""

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


def seed_media(access: BakeAccess) -> Source:
    """The CD that answers the guest's first questions, where there is one."""
    return {"cd_files": [str(path) for path in access.seed], "cd_label": access.label} if access.seed else {}


@cache
def all_builders() -> tuple[Builder, ...]:
    """Every builder of every module beside this one; a module names its own in BUILDERS."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return tuple(builder for module in modules for builder in module.BUILDERS)


def named(name: str, facts: Facts) -> Builder:
    """The builder of that name; raises UserError with those that the guest can be baked with."""
    usable = builders_for(facts)
    for builder in usable:
        if builder.name == name:
            return builder
    names = ", ".join(builder.name for builder in usable)
    raise UserError(f"{facts.title} cannot be baked with the builder {name}", hint=f"use one of: {names}")


def builders_for(facts: Facts) -> tuple[Builder, ...]:
    """The builders that the guest can be baked with."""
    return tuple(builder for builder in all_builders() if builder.medium in facts.media)
