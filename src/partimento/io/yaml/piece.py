"""A whole score between MusicXML and YAML: its parts, each with the attributes it begins with and its measures.

Of one part, the attributes are a mapping and the measures a list, as Chord Llama publishes them. Of many, the
attributes are a mapping of parts (`P1`, `P2`, …), each with its `part-name`, `midi-program` and, for drums,
`midi-channel` before its attributes; and each measure is a mapping of the parts that have it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from partimento.errors import BadFile
from partimento.io.musicxml.content import Element
from partimento.io.musicxml.elements import add, element
from partimento.io.musicxml.header_reader import PartHeader, part_headers
from partimento.io.musicxml.reader import document, paused_collector
from partimento.io.yaml.text import Data
from partimento.io.yaml.tree import children, condense, kept, listed, place_key
from partimento.io.yaml.vocabulary import CHILDREN

MAX_PARTS = 1000
_PART = re.compile(r"P([1-9]\d{0,3})")
_HEADER = ("part-name", "midi-program", "midi-channel")
_DRUM_CHANNEL = 10


@dataclass(frozen=True, slots=True)
class PartMusic:
    """One part."""

    attributes: dict[str, Data] = field(default_factory=dict[str, Data])
    """What it begins with."""
    measures: list[Data] = field(default_factory=list[Data])
    """Mappings, null for an empty one."""
    name: str = ""
    program: int | None = None
    """General MIDI program from 0; None where nothing is said."""
    is_drums: bool = False

    @property
    def header(self) -> dict[str, Data]:
        """What is said of it where there are others."""
        said: dict[str, Data] = {"part-name": self.name, "midi-program": str((self.program or 0) + 1)}
        return said | {"midi-channel": str(_DRUM_CHANNEL)} if self.is_drums else said


Piece = tuple[PartMusic, ...]


def condensed(data: bytes, name: str, *, lifts_tempi: bool = False) -> Piece:
    """What is kept of a MusicXML file.

    Args:
        data: the file.
        name: what messages call it.
        lifts_tempi: whether a tempo stays though the direction that states it goes.

    Raises:
        BadFile: the file is damaged, hostile, absurd, or no MusicXML.
    """
    root, measures = document(data, name)
    if lifts_tempi:
        _lift_tempi(root)
    try:
        headers = part_headers(root)
    except (ValueError, OverflowError) as error:
        raise BadFile(name, str(error)) from error
    with paused_collector():
        return tuple(_part(own, headers.get(part_id, PartHeader())) for part_id, own in measures.items())


def _lift_tempi(root: Element) -> None:
    """Put `<sound tempo>` in the place of the directions that hold it."""
    for direction in root.iter("direction"):
        sound = direction.find("sound[@tempo]")
        if sound is not None:
            lifted, offset = element("sound", tempo=sound.get("tempo")), direction.find("offset")
            if offset is not None:
                add(lifted, "offset", offset.text)
            direction.getparent().replace(direction, lifted)


def _part(elements: Sequence[Element], header: PartHeader) -> PartMusic:
    is_staved = any((staves.text or "").strip() not in ("", "0", "1") for e in elements for staves in e.iter("staves"))
    measures = [_measure(own, is_staved) for own in elements]
    attributes: dict[str, Data] = {}
    if measures and isinstance(measures[0], dict):
        attributes, measures[0] = _lifted(measures[0])
    part = header.part
    return PartMusic(attributes, measures, part.name, part.program, part.is_drums)


def _measure(own: Element, is_staved: bool) -> Data:
    inner = kept(own, "measure")
    leading = list(takewhile(lambda child: child.tag == "attributes", inner))
    content: dict[str, Data] = {}
    if leading:
        values = [condense(child, is_staved=is_staved) for child in leading]
        content["attributes"] = values if len(values) > 1 else values[0]
    for index, child in enumerate(inner[len(leading) :]):
        content[place_key(index, child.tag)] = condense(child, is_staved=is_staved)
    return content or None


def _lifted(measure: dict[str, Data]) -> tuple[dict[str, Data], Data]:
    """The attributes with which a measure begins, and what is left of it."""
    first, *others = listed(measure.get("attributes"))
    if not isinstance(first, dict):
        return {}, measure
    rest: dict[str, Data] = {key: value for key, value in measure.items() if key != "attributes"}
    if others:
        said: Data = others if len(others) > 1 else others[0]
        rest = {"attributes": said, **rest}
    return first, rest or None


# Data


def instruction(piece: Piece, attributes: Sequence[dict[str, Data]]) -> Data:
    """The parts with these attributes, as data."""
    if len(piece) == 1:
        return attributes[0]
    return {f"P{k + 1}": part.header | attributes[k] for k, part in enumerate(piece)}


def measures(piece: Piece, first: int = 0, last: int | None = None) -> list[Data]:
    """Measures `first` up to but not including `last`, as data."""
    if len(piece) == 1:
        return piece[0].measures[first:last]
    end = max(len(part.measures) for part in piece)
    return [
        {f"P{k + 1}": part.measures[index] for k, part in enumerate(piece) if index < len(part.measures)}
        for index in range(first, end if last is None else min(last, end))
    ]


def from_data(said: Data, items: Data) -> Piece:
    """The parts that an instruction and a list of measures describe.

    Raises:
        ValueError: they are not such data.
    """
    if not isinstance(items, list):
        raise ValueError("the measures are no list")
    if said is not None and not isinstance(said, dict):
        raise ValueError("the attributes are no mapping")
    said = said or {}
    if any(map(_PART.fullmatch, said)):
        return _many(said, items)
    for index, item in enumerate(items):
        _check_measure(item, index)
    return (PartMusic(said, list(items)),)


def _many(said: dict[str, Data], items: list[Data]) -> Piece:
    count = max(int(match[1]) for key in said if (match := _PART.fullmatch(key)))
    if count > MAX_PARTS or len(said) != count:
        raise ValueError(f"{len(said)} parts, of which the last is P{count}; number them from P1")
    parts: list[PartMusic] = []
    for key in (f"P{k + 1}" for k in range(count)):
        own = said[key]
        if not isinstance(own, dict):
            raise ValueError(f"{key} is no mapping")
        parts.append(_headed(own, _measures_of(key, items)))
    return tuple(parts)


def _headed(own: dict[str, Data], items: list[Data]) -> PartMusic:
    name, program, channel = (own.get(key) for key in _HEADER)
    attributes = {key: value for key, value in own.items() if key not in _HEADER}
    if program is not None and not (isinstance(program, str) and program.isdecimal() and 1 <= int(program[:4]) <= 128):
        raise ValueError(f"midi-program says {program!r:.40}; it lies between 1 and 128")
    named = name if isinstance(name, str) else ""
    return PartMusic(attributes, items, named, int(program) - 1 if program else None, channel == str(_DRUM_CHANNEL))


def _measures_of(key: str, items: list[Data]) -> list[Data]:
    """A part's measures; those behind its last one are none."""
    found: list[Data] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise ValueError(f"measure {index + 1} is no mapping of parts")
        _check_measure(item.get(key), index)
        found.append(item.get(key))
    missing = sum(1 for _ in takewhile(lambda item: isinstance(item, dict) and key not in item, reversed(items)))
    return found[: len(found) - missing]


def _check_measure(item: Data, index: int) -> None:
    if item is not None and not isinstance(item, dict):
        raise ValueError(f"measure {index + 1} is no mapping")


# Attributes in force


class InForce:
    """The attributes in force in one part, as measures go by."""

    def __init__(self, attributes: dict[str, Data]) -> None:
        self._stated: dict[str, dict[str, Data]] = {}
        """Tag ▶ staff number, empty for all staves ▶ value."""
        self._take(attributes)
        self.attributes = attributes

    def pass_measure(self, measure: Data) -> None:
        """Take note of what a measure changes."""
        changes = (
            [value for tag, value in children("measure", measure) if tag == "attributes"]
            if isinstance(measure, dict)
            else []
        )
        for change in changes:
            if isinstance(change, dict):
                self._take(change)
                self.attributes = self._restated()

    def _take(self, change: dict[str, Data]) -> None:
        for tag, value in children("attributes", change):
            number = value.get("@number") if isinstance(value, dict) else None
            staff = number if isinstance(number, str) else "1" if tag == "clef" else ""
            values = self._stated.setdefault(tag, {})
            if not staff:
                values.clear()
            values[staff] = value

    def _restated(self) -> dict[str, Data]:
        tags = (tag for tag in CHILDREN["attributes"] if tag in self._stated and tag != "measure-style")
        found = {tag: list(self._stated[tag].values()) for tag in tags}
        return {tag: values if len(values) > 1 else values[0] for tag, values in found.items()}
