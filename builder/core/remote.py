"""Commands for a node, as SSH carries them: each brings its own PATH.

What a session finds otherwise is the guest's affair. The sshd of CentOS 7 gives it /usr/local/bin:/usr/bin, where `ip`
is missing, and `secure_path` of Red Hat's sudoers has no /usr/local, where the programs built from source lie.
"""

from __future__ import annotations

import shlex

from builder.core.run import SYSTEM_PATH

ENVIRONMENT = f"env PATH={SYSTEM_PATH}"
SUDO = "sudo -n "


def command(text: str, *, root: bool = False) -> str:
    """The words for ssh that run a piece of POSIX shell on a node; what it reads from stdin comes through."""
    return f"{SUDO if root else ''}{ENVIRONMENT} sh -c {shlex.quote(text)}"


def shell(*, root: bool = False) -> str:
    """The words for ssh that run the POSIX shell script on stdin on a node."""
    return f"{SUDO if root else ''}{ENVIRONMENT} sh -s"
