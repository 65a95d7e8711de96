"""MusicXML elements ⇄ the mappings of Chord Llama's rows.

Children become keys, attributes `@name`, text beside attributes `#text`, an empty element null; a tag that stands
several times in a row has a list. The children of a measure have their place before their names: `a00_note`, … `a99_`,
`b00_`, … `z99_`, `za00_`, … so that sorted keys stand in order; `attributes` that stand before everything else have
none and are not counted. So do the children of any element whose order could not be told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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


@lru_cache(16384)
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
    if tag not in NEEDS:
        return True
    having = [child.tag for child in element if _says_something(child)]
    return _missing(tag, tuple(having)) is None


@lru_cache(4096)
def _missing(tag: str, tags: tuple[str, ...]) -> str | None:
    """What an element with these children needs besides, None if nothing."""
    return next((" or ".join(names) for names in NEEDS.get(tag, ()) if not set(names).intersection(tags)), None)


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
    if tag not in CHILDREN:
        if text is not None or tag in VALUES:
            made.text = _checked(tag, text)
        return made
    tags = tuple([child.tag for child in made])
    if fault := _fault(tag, tags):
        raise ValueError(fault)
    if missing := _missing(tag, tags):
        if tag == "note" or parent is None:
            raise ValueError(f"{tag} without {missing}")
        parent.remove(made)
    return made


@lru_cache(4096)
def _fault(tag: str, tags: tuple[str, ...]) -> str:
    """What is wrong with an element of these children, of which some exclude each other; empty if nothing is."""
    single = [name for name in tags if name not in REPEATED]
    if tag in SINGLES and len(single) > len(set(single)):
        return f"{tag} with {max(single, key=single.count)} twice"
    excluding = (sorted(set(names).intersection(tags)) for names in EXCLUSIVE.get(tag, ()))
    return next((f"{tag} with {' and '.join(names)}" for names in excluding if len(names) > 1), "")


def children(tag: str, data: dict[str, Data]) -> Iterator[tuple[str, Data]]:
    """Children in order: those with places by them, the others before them as the schema has them."""
    order = [(name, data[key]) for key, name in _key_order(tag, tuple(data))]
    if not any(isinstance(value, list) for _, value in order):
        yield from order
        return
    plain = {name: listed(data[name]) for name in CHILDREN[tag] if name in data}
    for name in _in_order(tag, [name for name, values in plain.items() for _ in values]):
        yield name, plain[name].pop(0)
    for name, value in order[len(plain) :]:
        yield from ((name, own) for own in listed(value))


@lru_cache(16384)
def _key_order(tag: str, keys: tuple[str, ...]) -> list[tuple[str, str]]:
    """The keys of children in order, each with its tag."""
    plain = [(name, name) for name in CHILDREN.get(tag, ()) if name in keys]
    places = sorted((place[0], key, place[1]) for key in keys if (place := _place(key)))
    return plain + [(key, name) for _, key, name in places if name in _CHILDREN[tag]]


def listed(value: Data) -> list[Data]:
    """The values of a tag that may stand several times."""
    return list(value) if isinstance(value, list) else [value]


def _checked(tag: str, value: Data, attribute: str = "") -> str:
    """The text of a leaf or attribute, if it can be one.

    Raises:
        ValueError: it cannot.
    """
    if not (isinstance(value, str) or value is None):
        raise ValueError(f"{tag} {attribute}".rstrip() + " holds more than a text")
    text = value or ""
    return text if _is_sayable(tag, text, attribute) else clean(text)


@lru_cache(65536)
def _is_sayable(tag: str, text: str, attribute: str) -> bool:
    """Whether a text can stand as it is, or without characters that XML has not.

    Raises:
        ValueError: it can not stand there.
    """
    keys = (f"@{tag}-{attribute}", f"@{attribute}") if attribute else (tag,)
    pattern = next((VALUES[key] for key in keys if key in VALUES), None)
    if pattern is not None and not pattern.fullmatch(text):
        raise ValueError(f"{tag} {attribute}".rstrip() + f" says {text[:40]!r}, which it cannot")
    return clean(text) == text
