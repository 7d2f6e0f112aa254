"""How Packer gets into the guest: a key pair that lives for one bake.

A guest whose kernel is started from outside gets the public key on the kernel's command line, a vendor's image from a
NoCloud seed, and an installer from its kickstart file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from builder import paths
from builder.files import write_atomic
from builder.foundations import Foundation
from builder.guests import Facts
from builder.render import templates
from builder.run import need, run

SEED_LABEL = "cidata"
KICKSTART_LABEL = "OEMDRV"
USER_DATA = "#cloud-config\nssh_authorized_keys:\n  - {key}\n"
"""For the account that the vendor's image makes; it may use sudo."""
META_DATA = "instance-id: vipforge-bake\nlocal-hostname: vipforge-bake\n"


@dataclass(frozen=True)
class Access:
    """The private key; and the way in: words for the kernel, or the files of a CD of that label."""

    private_key: Path
    cmdline: str
    seed: tuple[Path, ...]
    label: str = SEED_LABEL
    user: str = "root"


def access(folder: Path, foundation: Foundation, facts: Facts, *, kickstart: bool = False) -> Access:
    """Make the key, and the seed or the kickstart file where one is needed, in `folder`, removed after the bake."""
    key = folder / "bake-key"
    program = need("ssh-keygen", "openssh-client")
    run([program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], timeout=30)
    public = key.with_suffix(".pub").read_text().strip()
    way = expected(folder, foundation, facts, public, kickstart=kickstart)
    for file, text in zip(way.seed, _texts(facts, public, kickstart=kickstart), strict=bool(way.seed)):
        write_atomic(file, text, mode=0o600)
    return way


def expected(folder: Path, foundation: Foundation, facts: Facts, key: str, *, kickstart: bool = False) -> Access:
    """The same without making anything; `key` is the public one."""
    private = folder / "bake-key"
    if kickstart:
        return Access(private, "", (folder / "ks.cfg",), KICKSTART_LABEL)
    if foundation.kernel:
        return Access(private, f'{foundation.cmdline} systemd.set_credential="ssh.authorized_keys.root:{key}"', ())
    return Access(private, "", (folder / "user-data", folder / "meta-data"), user=facts.bake_user)


def kickstart_text(facts: Facts, key: str) -> str:
    """The file that answers the installer's questions, and lets that public key in as root."""
    return templates.render(paths.resources("packer", "http", facts.kickstart), facts=facts, key=key)


def _texts(facts: Facts, key: str, *, kickstart: bool) -> tuple[str, ...]:
    """What the files of `Access.seed` hold, in their order."""
    return (kickstart_text(facts, key),) if kickstart else (USER_DATA.format(key=key), META_DATA)
