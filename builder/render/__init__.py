"""Renders the files of an appliance. All templates share one Jinja2 environment; without escaping, as none is HTML."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, nodes, pass_context
from jinja2.runtime import Context

from builder.core import paths
from builder.core.errors import UserError
from builder.core.quoting import (
    Written,
    config_line,
    config_word,
    haproxy_format_word,
    haproxy_word,
    shell_word,
    xml_text,
)
from builder.guests import Facts, GuestFile
from builder.render import haproxy
from builder.spec.backends import PEERS_PORT, backends, cookie_names, has_tables
from builder.spec.capacity import max_connections
from builder.spec.keepalived_features import has
from builder.spec.model import Cluster
from builder.spec.vrrp import PROFILES

Emitter = Callable[[str], Written]
EMITTERS: Mapping[str, Emitter] = {
    "haproxy.cfg": haproxy_word,
    "statistics": haproxy_word,
    "ready-network": shell_word,
    ".xml": xml_text,
    ".repo": config_line,
    ".ks": config_line,
    "70-vipforge-spec.conf": config_line,
}
"""The emitters by the name of a file, or by its suffix."""
EMIT = "emit a value"
"""The key of the emitter in a template's context; no template can name it."""
MARK = re.compile("\ue000([0-9]+)\ue001")
"""A mark, of characters for private use."""
TEMPLATE_SUFFIX = ".j2"
EXECUTABLE_MODE = 0o755
PLAIN_MODE = 0o644
FILE_TIME = 1_400_000_000
"""The modification time of every file, in 2014: tar would warn about each file with a time near 0."""


class _Environment(Environment):
    """Jinja2's environment, in which a template's own text counts as written, also in an expression or a variable."""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for output in tree.find_all(nodes.Output):
            output.nodes = [_written(each) if _is_constant(each) else each for each in output.nodes]
        for assignment in tree.find_all(nodes.Assign):
            if _is_constant(assignment.node):
                assignment.node = _written(assignment.node)
        for block in tree.find_all(nodes.AssignBlock):
            block.filter = _written(block.filter)
        return tree


def _is_constant(node: nodes.Node | None) -> bool:
    """Whether an expression is a text of the template, or chooses between such texts: `{{ " backup" if … }}`."""
    if isinstance(node, nodes.CondExpr):
        return _is_constant(node.expr1) and (node.expr2 is None or _is_constant(node.expr2))
    return isinstance(node, nodes.Const)


def _written(node: Any) -> nodes.Filter:  # noqa: ANN401 - an expression, which the parser also calls a node
    """An expression, or the text of a block, as text that is written."""
    return nodes.Filter(node, "written", [], [], None, None)


@cache
def jinja_environment() -> Environment:
    """The environment of every template; includes are searched in packer/."""
    environment = _Environment(
        loader=FileSystemLoader(paths.resources("packer")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_emit,
        auto_reload=False,  # otherwise each include checks the time of its file
    )
    environment.filters["written"] = Written
    environment.filters["word"] = haproxy_word
    environment.filters["format_word"] = haproxy_format_word
    return environment


def render(template: Path, **context: object) -> str:
    """Render one template; raises UserError with the line of the template if that fails.

    The emitter of the template's language writes every value, unless one of the emitter's own filters has written it.
    """
    emitter = _emitter(template.name.removesuffix(TEMPLATE_SUFFIX))
    return _rendered(template, context, lambda value: value if isinstance(value, Written) else emitter(str(value)))


def _emitter(name: str) -> Emitter:
    """The emitter for a file with that name; the strictest one if neither the name nor the suffix is known."""
    return EMITTERS.get(name) or EMITTERS.get(Path(name).suffix) or config_word


def _rendered(template: Path, context: dict[str, object], emit: Callable[[object], object]) -> str:
    try:
        return _compiled(template.read_text()).render({**context, EMIT: emit})
    except TemplateError as failure:
        line = getattr(failure, "lineno", None)
        place = f"{getattr(failure, 'filename', None) or template}:{line}" if line else str(template)
        raise UserError(
            f"{place}: {failure.message}", hint="this is an error in the template, not in the spec"
        ) from failure


@cache
def _compiled(text: str) -> Template:
    """The template with this text, cached: compiling one takes ten times as long as rendering it."""
    return jinja_environment().from_string(text)


def cloud_init(name: str, **context: object) -> dict[str, object]:
    """The data of one template in cloud-init/: `user-data`, `meta-data` or `network-config`.

    The template is YAML, rendered with a mark in place of each value; the values take the marks' places once the YAML
    is parsed. No value is ever part of the text, so none needs quotes there, and none can change the structure.
    """
    values: list[object] = []

    def mark(value: object) -> str:
        values.append(_plain(value))
        return f"\ue000{len(values) - 1}\ue001"

    text = _rendered(paths.resources("cloud-init", f"{name}.j2"), context, mark)
    data: dict[str, object] = _filled(yaml.safe_load(text), values)
    return data


@pass_context
def _emit(context: Context, value: object) -> object:
    """What a template writes for the value of an expression."""
    emit: Callable[[object], object] | None = context.get(EMIT)
    return emit(value) if emit else value


def _plain(value: object) -> object:
    """The value as the types that YAML has: an address, for example, becomes a string."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | None) else str(value)


def _filled(data: Any, values: list[object]) -> Any:  # noqa: ANN401 - what YAML holds
    """The data with its marks replaced; a scalar that is nothing but a mark becomes the value with its type."""
    if isinstance(data, dict):
        return {_filled(key, values): _filled(value, values) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(each, values) for each in data]
    if not isinstance(data, str):
        return data
    whole = MARK.fullmatch(data)
    return values[int(whole[1])] if whole else MARK.sub(lambda mark: str(values[int(mark[1])]), data)


def appliance(cluster: Cluster, facts: Facts, keepalived: str) -> dict[str, GuestFile]:
    """Every file of the cluster's appliance, by its absolute path in the guest.

    A file in a later overlay replaces one in an earlier overlay. A template that renders to nothing yields no file.
    No file contains an identity or a secret: those come with the seed.
    """
    files: dict[str, GuestFile] = {}
    for source, path in _sources(facts):
        content = _content(source, cluster, facts, keepalived)
        if content.strip():
            files[path] = GuestFile(content, EXECUTABLE_MODE if source.stat().st_mode & 0o100 else PLAIN_MODE)
    beside = haproxy.maintenance_pages(cluster) | haproxy.certificate_lists(cluster)
    files |= {path: GuestFile(text, PLAIN_MODE) for path, text in beside.items()}
    return dict(sorted(files.items()))


def overlay_text(path: str, cluster: Cluster, facts: Facts, keepalived: str) -> str:
    """The text of one of these files, by its path in the guest."""
    sources = [source for source, target in _sources(facts) if target == path]
    return _content(sources[-1], cluster, facts, keepalived)


def _content(source: Path, cluster: Cluster, facts: Facts, keepalived: str) -> str:
    if source.suffix != TEMPLATE_SUFFIX:
        return source.read_text()
    return render(source, **_context(cluster, facts, keepalived))


def _sources(facts: Facts) -> Iterator[tuple[Path, str]]:
    """Each file in the guest's overlays, with its path in the guest."""
    for name in facts.overlay:
        overlay = paths.resources("packer", "overlay", name)
        for source in sorted(path for path in overlay.rglob("*") if path.is_file()):
            yield source, "/" + str(source.relative_to(overlay)).removesuffix(TEMPLATE_SUFFIX)


def _context(cluster: Cluster, facts: Facts, keepalived: str) -> dict[str, object]:
    release = haproxy.haproxy_release(cluster, facts)
    return {
        "cluster": cluster,
        "facts": facts,
        "haproxy": release,
        "address": lambda address: haproxy.bind_address(address, release),
        "as_ipv6": haproxy.as_ipv6,
        "backends": backends,
        "has_tables": has_tables,
        "peers_port": PEERS_PORT,
        "cookies": cookie_names(cluster.services),
        "max_connections": max_connections(cluster),
        "maintenance_page": haproxy.maintenance_path,
        "certificate_option": haproxy.certificate_option,
        "certificate_file": haproxy.certificate_file,
        "authority_file": haproxy.authority_path,
        "server_defaults": haproxy.server_defaults,
        "status_pattern": haproxy.status_pattern,
        "literal_pattern": haproxy.literal_pattern,
        "startup_message": haproxy.startup_message,
        "profile": PROFILES[cluster.vrrp.profile],
        "keepalived_has": lambda feature: has(keepalived, feature),
    }


def payload(files: Mapping[str, GuestFile]) -> bytes:
    """The files as a tar rooted at /; all files belong to root and have the same time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, file in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mtime = FILE_TIME
            entry.mode = file.mode
            content = file.content.encode()
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
