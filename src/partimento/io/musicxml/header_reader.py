"""Reads what precedes the music: titles and names, the part list with its groups and instruments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from partimento.io.musicxml.content import Element, flat, number
from partimento.io.musicxml.vocabulary import TAGS_FIELD
from partimento.score import Part, PartGroup
from partimento.theory.instrument import DRUMS, find_instrument

_SYMBOLS = frozenset(["none", "brace", "line", "bracket", "square"])
_DRUM_CHANNEL = 10
_MAX_GROUPS = 1000


@dataclass(slots=True)
class PartHeader:
    """What the part list says about a part."""

    part: Part = field(default_factory=Part)
    drum_keys: dict[str, int] = field(default_factory=dict[str, int])
    """Instrument id ▶ General MIDI percussion key."""
    programs: dict[str, int] = field(default_factory=dict[str, int])
    """Instrument id ▶ General MIDI program."""


def part_headers(root: Element) -> dict[str, PartHeader]:
    """Part id ▶ what the part list says about it."""
    parts = root.findall("part-list/score-part")
    names = [flat(part.findtext("part-name")) for part in parts]
    return {part.get("id", ""): _part_header(part, names) for part in parts}


def part_groups(root: Element, part_ids: Sequence[str]) -> tuple[PartGroup, ...]:
    """The groups of the parts that there are, outer ones first."""
    place = {part_id: index for index, part_id in enumerate(part_ids)}
    opened: dict[str, tuple[Element, int]] = {}
    found: list[PartGroup] = []
    reached = 0
    for element in root.iterfind("part-list/*"):
        if element.tag == "score-part":
            reached = max(reached, place.get(element.get("id", ""), -1) + 1)
        elif element.tag == "part-group" and len(found) + len(opened) < _MAX_GROUPS:
            key = element.get("number", "1")
            if key in opened:
                found += _group(*opened.pop(key), reached)
            if element.get("type") == "start":
                opened[key] = element, reached
    for element, first in opened.values():
        found += _group(element, first, reached)
    return tuple(sorted(found, key=lambda group: (group.first, -group.last)))


def _group(element: Element, first: int, end: int) -> list[PartGroup]:
    """A group from part `first` up to but not including `end`, if there are any."""
    symbol = flat(element.findtext("group-symbol"))
    group = PartGroup(
        first,
        end - 1,
        flat(element.findtext("group-name")),
        flat(element.findtext("group-abbreviation")),
        symbol if symbol in _SYMBOLS else "none",
        flat(element.findtext("group-barline")) == "yes",
    )
    return [group] if first < end else []


def _part_header(element: Element, names: Sequence[str]) -> PartHeader:
    name = flat(element.findtext("part-name"))
    instruments = element.findall("midi-instrument")
    keys = {i.get("id", ""): key - 1 for i in instruments if 1 <= (key := _int(i, "midi-unpitched", 0)) <= 128}
    if len(keys) == 1:
        keys[""] = next(iter(keys.values()))
    programs = {i.get("id", ""): p - 1 for i in instruments if 1 <= (p := _int(i, "midi-program", 0)) <= 128}
    program = next(iter(programs.values()), None)
    guess = find_instrument(name, names) if program is None else None
    channel = next((c for i in instruments if 1 <= (c := _int(i, "midi-channel", 0)) <= 16), None)
    part = Part(
        name=name,
        program=program or 0 if guess in (None, DRUMS) else guess,
        is_drums=guess == DRUMS or any(_int(i, "midi-channel", 0) == _DRUM_CHANNEL for i in instruments),
        abbreviation=flat(element.findtext("part-abbreviation")),
        volume=_scaled(instruments, "volume", 0, 100),
        pan=_scaled(instruments, "pan", -90, 90),
        channel=channel,
    )
    return PartHeader(part, keys, programs)


def _int(element: Element, tag: str, default: int) -> int:
    child = element.find(tag)
    return default if child is None or not (child.text or "").strip() else int(number(child, float))


def _scaled(instruments: Sequence[Element], tag: str, low: float, high: float) -> int | None:
    """A number of MusicXML's range as a MIDI controller value."""
    child = next((c for i in instruments if (c := i.find(tag)) is not None and c.text), None)
    if child is None:
        return None
    return round((min(max(number(child, float), low), high) - low) / (high - low) * 127)


# Titles and names


def texts_of(root: Element) -> dict[str, Any]:
    """Title, subtitle and names, by the names of Score's fields."""
    work, movement = flat(root.findtext("work/work-title")), flat(root.findtext("movement-title"))
    creators: dict[str, list[str]] = {}
    for element in root.iterfind("identification/creator"):
        creators.setdefault(element.get("type", ""), []).append(flat(element.text))

    def names(*kinds: str) -> str:
        return ", ".join(filter(None, (name for kind in kinds for name in creators.get(kind, []))))

    is_double = not work or work.casefold() == movement.casefold()
    return {
        "title": work or movement or _credit(root, "title"),
        "subtitle": ("" if is_double else movement) or _credit(root, "subtitle"),
        "composer": names("composer") or _credit(root, "composer"),
        "lyricist": names("lyricist", "poet") or _credit(root, "lyricist"),
        "arranger": names("arranger") or _credit(root, "arranger"),
        "tags": tuple(filter(None, map(flat, _tags(root).split(";")))),
        "rights": ", ".join(filter(None, (flat(e.text) for e in root.iterfind("identification/rights")))),
    }


def _tags(root: Element) -> str:
    fields = root.iterfind("identification/miscellaneous/miscellaneous-field")
    return next((field.text or "" for field in fields if field.get("name") == TAGS_FIELD), "")


def _credit(root: Element, kind: str) -> str:
    for credit in root.iterfind("credit"):
        if flat(credit.findtext("credit-type")) == kind:
            return flat(credit.findtext("credit-words"))
    return ""
