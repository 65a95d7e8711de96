"""MusicXML elements ⇄ the mappings of Chord Llama's rows.

Children become keys, attributes `@name`, text beside attributes `#text`, an empty element null; a tag that stands
several times in a row has a list. The children of a measure have their place before their names: `a00_note`, … `a99_`,
`b00_`, … `z99_`, `za00_`, … so that sorted keys stand in order; `attributes` that stand before everything else have
none and are not counted. So do the children of any element whose order could not be told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import clean
from partimento.io.yaml.text import Data
from partimento.io.yaml.vocabulary import ATTRIBUTES, CHILDREN, EXCLUSIVE, NEEDS, REPEATED, SINGLES, VALUES

_KEY = re.compile(r"(z*[a-z])(\d{1,9})_([a-z-]+)")
_CHILDREN = {tag: frozenset(names) for tag, names in CHILDREN.items()}
_NO_CHILDREN: frozenset[str] = frozenset()


@lru_cache(4096)
def place_key(index: int, tag: str) -> str:
    """Key of the child number `index`: `a00_note`."""
    letters, number = divmod(index, 100)
    return f"{'z' * (letters // 26)}{chr(ord('a') + letters % 26)}{number:02d}_{tag}"


def _place(key: str) -> tuple[tuple[int, str, int], str] | None:
    """What such a key sorts by, and its tag; those beyond `a99_` may count on within the letter, as in `a100_`."""
    match = _KEY.fullmatch(key)
    return match and ((len(match[1]), match[1], int(match[2])), match[3])


# Elements ▶ data


def condense(element: Element, *, is_staved: bool = False) -> Data:
    """What is kept of an element.

    Args:
        element: anything inside a measure.
        is_staved: whether its part has several staves, so that the staff numbers of clefs and keys say something.
    """
    if not len(element) and not element.attrib:
        return (element.text or "").strip() or None
    tag = element.tag
    names = [name for name in _attributes(tag, is_staved) if name in element.attrib]
    data: dict[str, Data] = {f"@{name}": element.get(name) for name in names}
    inner = kept(element)
    if inner:
        values = [condense(child, is_staved=is_staved) for child in inner]
        data.update(_merged(tag, tuple([child.tag for child in inner]), values))
    elif text := (element.text or "").strip():
        if not data:
            return text
        data["#text"] = text
    return data or None


def kept(element: Element, tag: str = "") -> list[Element]:
    """The children that the cleaning keeps of a `tag`; those that say nothing without what it drops go too."""
    names = _CHILDREN.get(tag or element.tag, _NO_CHILDREN)
    return [child for child in element if child.tag in names and _says_something(child)]


def _says_something(element: Element) -> bool:
    """Whether an element has the children without which it has no meaning."""
    tag = element.tag
    return tag not in NEEDS or all(any(map(_has(element), names)) for names in NEEDS[tag])


def _has(element: Element) -> Callable[[str], bool]:
    return lambda name: (child := element.find(name)) is not None and _says_something(child)


@lru_cache(256)
def _attributes(tag: str, is_staved: bool) -> tuple[str, ...]:
    return tuple(name for name in ATTRIBUTES.get(tag, ()) if is_staved or name != "number")


def _merged(tag: str, tags: tuple[str, ...], values: Sequence[Data]) -> dict[str, Data]:
    if len(set(tags)) == len(tags) and _is_telling(tag, tags):
        return dict(zip(tags, values, strict=True))
    if not _is_telling(tag, tags):
        return {place_key(index, name): value for index, (name, value) in enumerate(zip(tags, values, strict=True))}
    merged: dict[str, Data] = {}
    for name in dict.fromkeys(tags):
        own = [value for other, value in zip(tags, values, strict=True) if other == name]
        merged[name] = own if len(own) > 1 else own[0]
    return merged


@lru_cache(4096)
def _is_telling(tag: str, tags: tuple[str, ...]) -> bool:
    """Whether the order of children follows from their names."""
    counts = {name: tags.count(name) for name in tags}
    return tuple(_in_order(tag, [name for name, count in counts.items() for _ in range(count)])) == tags


def _in_order(tag: str, tags: Sequence[str]) -> list[str]:
    ordered = sorted(tags, key=CHILDREN.get(tag, ()).index)
    half = len(ordered) // 2
    if tag == "time" and len(ordered) == 2 * half:  # pairs
        return [name for pair in zip(ordered[:half], ordered[half:], strict=True) for name in pair]
    return ordered


# Data ▶ elements


def expand(tag: str, data: Data, parent: Element | None = None) -> Element:
    """The element of a mapping; what the cleaning does not keep is left out.

    Raises:
        ValueError: a value is impossible or missing; says which.
    """
    made: Element = etree.Element(tag) if parent is None else etree.SubElement(parent, tag)
    text = data
    if isinstance(data, dict):
        for name in ATTRIBUTES.get(tag, ()):
            if f"@{name}" in data:
                made.set(name, _checked(tag, data[f"@{name}"], name))
        for name, value in children(tag, data):
            expand(name, value, made)
        text = data.get("#text")
    if tag not in CHILDREN and (text is not None or tag in VALUES):
        made.text = _checked(tag, text)
    _check_singles(made)
    if not _says_something(made):
        if tag == "note" or parent is None:
            raise ValueError(f"{tag} without {_lacks(made)}")
        parent.remove(made)
    return made


def _check_singles(element: Element) -> None:
    """Refuse children that exclude each other."""
    found = {child.tag for child in element}
    twice = [child.tag for child in element if child.tag not in REPEATED]
    if element.tag in SINGLES and len(twice) > len(found - REPEATED):
        raise ValueError(f"{element.tag} with {max(found - REPEATED, key=twice.count)} twice")
    for names in EXCLUSIVE.get(element.tag, ()):
        if len(found.intersection(names)) > 1:
            raise ValueError(f"{element.tag} with {' and '.join(sorted(found.intersection(names)))}")


def _lacks(element: Element) -> str:
    """What an element needs and has not."""
    return " or ".join(next(names for names in NEEDS[element.tag] if not any(map(_has(element), names))))


def children(tag: str, data: dict[str, Data]) -> Iterator[tuple[str, Data]]:
    """Children in order: those with places by them, the others before them as the schema has them."""
    names = _CHILDREN.get(tag, _NO_CHILDREN)
    found = {name: listed(data[name]) for name in CHILDREN.get(tag, ()) if name in data}
    for name in _in_order(tag, [name for name, values in found.items() for _ in values]):
        yield name, found[name].pop(0)
    placed = [(place, value) for key, value in data.items() if (place := _place(key)) and place[1] in names]
    for (_, name), values in sorted(placed, key=lambda entry: entry[0]):
        yield from ((name, value) for value in listed(values))


def listed(value: Data) -> list[Data]:
    """The values of a tag that may stand several times."""
    return list(value) if isinstance(value, list) else [value]


def _checked(tag: str, value: Data, attribute: str = "") -> str:
    """The text of a leaf or attribute, if it can be one.

    Raises:
        ValueError: it cannot.
    """
    name = f"{tag} {attribute}".rstrip()
    if not (isinstance(value, str) or value is None):
        raise ValueError(f"{name} holds more than a text")
    keys = (f"@{tag}-{attribute}", f"@{attribute}") if attribute else (tag,)
    pattern = next((VALUES[key] for key in keys if key in VALUES), None)
    text = clean(value or "")
    if pattern is not None and not pattern.fullmatch(text):
        raise ValueError(f"{name} says {text[:40]!r}, which it cannot")
    return text
