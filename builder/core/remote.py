"""Commands that run on a node over SSH; each one sets its own PATH.

The PATH of an SSH session depends on the guest. The sshd of CentOS 7 sets it to /usr/local/bin:/usr/bin, which lacks
`ip`, and `secure_path` in Red Hat's sudoers has no /usr/local, where programs built from source are installed.
"""

from __future__ import annotations

import shlex

from builder.core.run import SYSTEM_PATH

ENVIRONMENT = f"env PATH={SYSTEM_PATH}"
SUDO = "sudo -n "


def command(text: str, *, root: bool = False) -> str:
    """The remote command that runs POSIX shell code on a node; the code can read ssh's stdin."""
    return f"{SUDO if root else ''}{ENVIRONMENT} sh -c {shlex.quote(text)}"


def shell(*, root: bool = False) -> str:
    """The remote command that runs the POSIX shell script it reads from ssh's stdin."""
    return f"{SUDO if root else ''}{ENVIRONMENT} sh -s"
