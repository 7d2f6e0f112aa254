"""SVG by the standard library's XML writer, which escapes; text is cleaned on its way in."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from builder.proof.report.clean import clean

Attribute = str | float


def element(tag: str, text: str = "", **attributes: Attribute) -> ET.Element:
    """A new element; `text_anchor` becomes `text-anchor`, `class_` becomes `class`."""
    made = ET.Element(tag, {_name(key): _value(value) for key, value in attributes.items()})
    made.text = clean(text) or None
    return made


def add(parent: ET.Element, tag: str, text: str = "", **attributes: Attribute) -> ET.Element:
    """A new element at the end of another one."""
    made = element(tag, text, **attributes)
    parent.append(made)
    return made


def box(start: float, top: float, width: float, height: float) -> str:
    """A rectangle as a part of a path."""
    return f"M{_value(start)} {_value(top)}h{_value(width)}v{_value(height)}h{_value(-width)}z"


def tick(at: float, top: float, height: float) -> str:
    """An upright stroke as a part of a path."""
    return f"M{_value(at)} {_value(top)}v{_value(height)}"


def text_of(root: ET.Element) -> str:
    """The element as it is written into a page or a file."""
    return ET.tostring(root, encoding="unicode")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return clean(value) if isinstance(value, str) else f"{round(value, 1):g}"
