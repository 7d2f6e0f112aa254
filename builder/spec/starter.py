"""What `vipforge init` writes: a spec to start from, or an example with the certificates and passwords that it names.

Either has the user's SSH key. Certificates, keys and passwords are made for each copy, and are for the lab.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from builder.core import paths
from builder.core.errors import InvalidOption, UserError
from builder.core.files import write_atomic
from builder.spec.certificates import self_signed
from builder.spec.load import load
from builder.spec.model import Cluster
from builder.spec.own_key import OwnKey
from builder.spec.problem import nearest

STARTER = Path(__file__).with_name("starter.yml")
COMMENTED_OPERATOR = re.compile(r"^# operator:.*\n(?:#  .*\n)*", re.MULTILINE)
SPEC, IGNORE = "cluster.yml", ".gitignore"
LIFETIME_DAYS = 90
PASSWORD_BYTES = 16
THROW_AWAY = """\
# vipforge init made the certificates and passwords beside this file. They are for the lab: replace them before anyone
# depends on the nodes. .gitignore keeps them out of version control.
"""
NO_KEY = (
    "you have no SSH key, so nobody will be able to log in to the nodes outside the lab, and verify, push and upgrade "
    "will fail: make one with ssh-keygen, and put its public half into operator: ssh_keys"
)


def write_starter(path: Path, key: OwnKey | None = None) -> None:
    """Write the starter spec to `path`; raises UserError if anything exists there."""
    _refuse_existing(path)
    text = STARTER.read_text()
    write_atomic(path, COMMENTED_OPERATOR.sub(lambda _: _operator_section(key), text) if key else text)


def _operator_section(key: OwnKey) -> str:
    """The section `operator` of a spec, with this key."""
    shown = json.dumps(key.text, ensure_ascii=False)
    return f"operator:                         # the account that people log in with\n  ssh_keys: [{shown}]\n"


def _refuse_existing(path: Path) -> None:
    """Raise UserError if anything exists at a path, also a link to nothing."""
    if os.path.lexists(path):
        raise UserError(f"{path} already exists, and init overwrites nothing", hint="choose another path")


def all_examples() -> dict[str, Path]:
    """The examples that ship with vipforge, by name."""
    return {path.stem: path for path in sorted(paths.resources("examples").glob("*.yml"))}


def write_example(name: str, folder: Path, key: OwnKey | None = None) -> Path:
    """Write an example and the files that it names into a folder; returns the path of the spec.

    Writes nothing, and raises InvalidOption if there is no such example, or UserError if one of its files exists.
    """
    known = all_examples()
    if name not in known:
        hint = nearest(name, known) or f"the examples are {', '.join(known)}"
        raise InvalidOption(f"there is no example {name}", hint=hint)
    secret = dict(_secrets(load(known[name]), known[name].parent))
    for path in (SPEC, *secret):
        _refuse_existing(folder / path)
    for path, content in secret.items():
        write_atomic(folder / path, content, mode=0o600)
    if secret and not (folder / IGNORE).exists():
        write_atomic(folder / IGNORE, "".join(f"/{path}\n" for path in (*secret, "build/")))
    write_atomic(folder / SPEC, _text(known[name].read_text(), key, THROW_AWAY if secret else ""))
    return folder / SPEC


def _text(example: str, key: OwnKey | None, note: str) -> str:
    """The example with the user's key; its first line, for editors, stays the first."""
    first, _, rest = example.partition("\n")
    return f"{first}\n{note}{rest}" + (f"\n{_operator_section(key)}" if key else "")


def _secrets(cluster: Cluster, home: Path) -> Iterator[tuple[str, bytes]]:
    """The files with certificates, keys and passwords, each with its path from the spec's folder."""
    for certificate in cluster.tls.certificates:
        services = (service for service in cluster.services if certificate.name in service.certificates)
        chain, key = self_signed(sorted({host for service in services for host in service.hosts}), LIFETIME_DAYS)
        yield str(certificate.chain.relative_to(home)), chain
        yield str(certificate.key.relative_to(home)), key
    if cluster.statistics:
        yield str(cluster.statistics.password.relative_to(home)), f"{secrets.token_hex(PASSWORD_BYTES)}\n".encode()
