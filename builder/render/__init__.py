"""Rendering the files of an appliance with the one Jinja2 environment; nothing is escaped, as nothing is HTML."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError

from builder.core import paths
from builder.core.errors import UserError
from builder.guests import Facts, GuestFile
from builder.render import haproxy
from builder.spec.features import has
from builder.spec.model import Cluster
from builder.spec.service import backends
from builder.spec.vrrp import PROFILES


@cache
def jinja_environment() -> Environment:
    """The environment of every template; what they include lies in packer/."""
    made = Environment(  # noqa: S701 - nothing is HTML
        loader=FileSystemLoader(paths.resources("packer")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,  # else each include asks for its file's time
    )
    made.filters["word"] = word
    return made


def word(text: str) -> str:
    """Text as one word of haproxy.cfg, in the way that every release reads (quotes came with 1.6)."""
    return re.sub(r"([ #\\])", r"\\\1", text)


def render(template: Path, **context: object) -> str:
    """Fill one template; raises UserError with the template's line where it is wrong."""
    try:
        return _compiled(template.read_text()).render(context)
    except TemplateError as failure:
        line = getattr(failure, "lineno", None)
        place = f"{getattr(failure, 'filename', None) or template}:{line}" if line else str(template)
        raise UserError(
            f"{place}: {failure.message}", hint="this is a fault of the template, not of the spec"
        ) from failure


@cache
def _compiled(text: str) -> Template:
    """The template of this text. Compiling it takes ten times as long as filling it."""
    return jinja_environment().from_string(text)


def cloud_init(name: str, **context: object) -> str:
    """Fill one template of cloud-init/: `user-data`, `meta-data` or `network-config`."""
    return render(paths.resources("cloud-init", f"{name}.j2"), **context)


TEMPLATE = ".j2"
EXECUTABLE = 0o755
PLAIN = 0o644


def appliance(cluster: Cluster, facts: Facts, keepalived: str) -> dict[str, GuestFile]:
    """Every file that the cluster puts into its appliance, by absolute path in the guest.

    A later overlay's file takes the place of an earlier one's. A template that renders to nothing is no file.
    None of them holds an identity or a secret: those come with the seed.
    """
    files: dict[str, GuestFile] = {}
    for source, path in _sources(facts):
        content = _content(source, cluster, facts, keepalived)
        if content.strip():
            files[path] = GuestFile(content, EXECUTABLE if source.stat().st_mode & 0o100 else PLAIN)
    files |= {path: GuestFile(page, PLAIN) for path, page in haproxy.maintenance_pages(cluster).items()}
    return dict(sorted(files.items()))


def overlay_text(path: str, cluster: Cluster, facts: Facts, keepalived: str) -> str:
    """One of them alone: what lies at that path in the guest."""
    sources = [source for source, place in _sources(facts) if place == path]
    return _content(sources[-1], cluster, facts, keepalived)


def _content(source: Path, cluster: Cluster, facts: Facts, keepalived: str) -> str:
    if source.suffix != TEMPLATE:
        return source.read_text()
    return render(source, **_context(cluster, facts, keepalived))


def _sources(facts: Facts) -> Iterator[tuple[Path, str]]:
    """Each file of the guest's overlays, with the path that it has in the guest."""
    for name in facts.overlay:
        overlay = paths.resources("packer", "overlay", name)
        for source in sorted(path for path in overlay.rglob("*") if path.is_file()):
            yield source, "/" + str(source.relative_to(overlay)).removesuffix(TEMPLATE)


def _context(cluster: Cluster, facts: Facts, keepalived: str) -> dict[str, object]:
    release = haproxy.release(cluster, facts)
    return {
        "cluster": cluster,
        "facts": facts,
        "haproxy": release,
        "address": lambda address: haproxy.address(address, release),
        "backends": backends,
        "maintenance_page": haproxy.maintenance_path,
        "tls_file": haproxy.guest_path,
        "authority_file": haproxy.authority_path,
        "profile": PROFILES[cluster.vrrp.profile],
        "keepalived_has": lambda feature: has(keepalived, feature),
    }


TIME = 1_400_000_000
"""The time of every file, in 2014: tar warns of times near 0 for each of them."""


def payload(files: Mapping[str, GuestFile]) -> bytes:
    """A tar rooted at /, owned by root, all its files of the same time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, file in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mtime = TIME
            entry.mode = file.mode
            content = file.content.encode()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
