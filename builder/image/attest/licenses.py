"""Licenses of packages in CycloneDX: SPDX where a package's own words can be translated, and else those words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.spdx import fixup_id, is_expression

GNU = re.compile(
    r"(?P<name>[AL]?GPL|GFDL)(?P<invariants>-NIV)?[-v](?P<version>\d(\.\d)?)(?P<later>\+?)", re.IGNORECASE
)
"""A GNU license in DEP 5 (`LGPL-2.1+`), or in Fedora before it used SPDX (`GPLv2+`)."""
SHORT = MappingProxyType(
    {
        "apache-2": "Apache-2.0",
        "artistic": "Artistic-1.0",
        "asl 2.0": "Apache-2.0",
        "cc0": "CC0-1.0",
        "expat": "MIT",
        "gpl+": "GPL-1.0-or-later",
        "mit/x11": "MIT",
        "mplv1.1": "MPL-1.1",
        "mplv2.0": "MPL-2.0",
    }
)
"""Other names in DEP 5 (section 7.1.1) and in Fedora's former list, in lowercase, whose SPDX identifier differs."""
WORDS = ("and", "or")
OPERATORS = re.compile(r"(\s+(?:and|or)\s+|[()])", re.IGNORECASE)


def cyclonedx_licenses(texts: Sequence[str]) -> Iterator[License]:
    """The licenses of a package; CycloneDX 1.5 allows an expression only if it is the only entry."""
    found = list(dict.fromkeys(map(spdx, texts)))
    for each in found:
        known = fixup_id(each)
        if known:
            yield DisjunctiveLicense(id=known)
        elif len(found) == 1 and _is_expression(each):
            yield LicenseExpression(each)
        else:
            yield DisjunctiveLicense(name=each)


def spdx(text: str) -> str:
    """The SPDX identifier or expression for a package's words; the unchanged words if they have none.

    A comma changes the precedence of `and` and `or` in DEP 5, so a text with a comma is left as it is.
    """
    translated = "".join(map(_translated, OPERATORS.split(text)))
    return translated if _is_expression(translated) else text


def _is_expression(text: str) -> bool:
    """Whether the text is an SPDX expression; the library alone also takes names such as GPL, which SPDX lacks."""
    words = (each.strip() for each in OPERATORS.split(text))
    names = [word for word in words if word and word.lower() not in (*WORDS, "(", ")")]
    return all(fixup_id(name.partition(" WITH ")[0]) for name in names) and is_expression(text)


def _translated(part: str) -> str:
    word = part.strip()
    if word.lower() in WORDS:
        return f" {word.upper()} "
    gnu = GNU.fullmatch(word)
    return _gnu(gnu) if gnu else SHORT.get(word.lower()) or fixup_id(word) or part


def _gnu(match: re.Match[str]) -> str:
    version = match["version"] if "." in match["version"] else f"{match['version']}.0"
    invariants = "-no-invariants" if match["invariants"] else ""
    return f"{match['name'].upper()}-{version}{invariants}-{'or-later' if match['later'] else 'only'}"
