"""Building XML elements."""

from __future__ import annotations

import re

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.io.musicxml.content import Element

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return text if text.isprintable() else _NO_XML.sub("", text)


def element(tag: str, text: str | int | None = None, /, **attributes: str | int | None) -> Element:
    """An element; attributes that are None are left out, `_` in their names stands for `-`."""
    return _filled(etree.Element(tag), text, attributes)


def add(parent: Element, tag: str, text: str | int | None = None, /, **attributes: str | int | None) -> Element:
    """An element appended to another."""
    return _filled(etree.SubElement(parent, tag), text, attributes)


def _filled(made: Element, text: str | int | None, attributes: dict[str, str | int | None]) -> Element:
    if text is not None:
        made.text = clean(text) if isinstance(text, str) else str(text)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.replace("_", "-"), clean(str(value)))
    return made


def to_bytes(root: Element, doctype: str) -> bytes:
    """The document as UTF-8."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True, doctype=doctype)


def figure(value: float) -> str:
    """A number as short as it can be said exactly."""
    return str(int(value)) if value == int(value) else repr(float(value))
