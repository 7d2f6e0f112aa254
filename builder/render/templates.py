"""The one Jinja2 environment: an undefined name is an error, and nothing is escaped, because nothing is HTML."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError

from builder import paths
from builder.errors import UserError


@cache
def environment() -> Environment:
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
    return environment().from_string(text)


def cloud_init(name: str, **context: object) -> str:
    """Fill one template of cloud-init/: `user-data`, `meta-data` or `network-config`."""
    return render(paths.resources("cloud-init", f"{name}.j2"), **context)
