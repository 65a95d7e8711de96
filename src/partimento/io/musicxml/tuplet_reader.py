"""Finds tuplets in the notes of a part: those under brackets, and those that only show in the notes' ratios."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

from partimento.io.musicxml.content import Cursor, Element, PartContent, number, texts, to_number
from partimento.io.musicxml.vocabulary import TYPE_UNITS, UNITS_PER_QUARTER
from partimento.score import Tuplet

_MAX_RATIO = 1000
_SHOWN = {"both": "ratio", "none": "bare"}
"""`show-number` ▶ Tuplet.shown."""

Parts = dict[str, Element]
"""Tag ▶ child of a note, the last where there are several."""


class _Bracket(NamedTuple):
    start: int
    actual: int
    normal: int
    shown: str
    is_true: bool = True
    """Whether all notes below it last as they say."""


class _Modification(NamedTuple):
    """What `<time-modification>` says of a note."""

    actual: int
    normal: int
    unit: Fraction
    """Written length in ticks of the note value that is counted."""
    duration: int
    """The note's exact duration, where the file has only rounded it to its divisions."""
    is_true: bool
    """Whether the note lasts as its type and ratio say."""


@dataclass(slots=True)
class _Group:
    """Notes under the same time modification without a bracket."""

    start: int
    end: int
    ratio: tuple[int, int]
    unit: Fraction


def unmodified(duration: int) -> _Modification:
    """Of a note below a bracket that lasts as long as its type says: a triplet in a duplet, a mere bracket."""
    return _Modification(1, 1, Fraction(0), duration, True)


class TupletReader:
    """Reads the tuplets of one part into `found`."""

    def __init__(self, cursor: Cursor, found: PartContent) -> None:
        self.cursor, self.found = cursor, found
        self._brackets: dict[int, dict[str, _Bracket]] = {}
        self._groups: dict[int, _Group] = {}
        self._sounded: dict[int, int] = {}
        self._known: dict[tuple[Any, ...], _Modification] = {}

    def begin_measure(self) -> None:
        """Tuplets do not cross barlines."""
        if self._brackets or self._groups:
            self.found.lost["tuplets without an end"] += sum(map(len, self._brackets.values()))
            self._brackets.clear()
            self._groups.clear()
        self._sounded.clear()

    def modification(self, parts: Parts, stated: int) -> _Modification:
        """The ratio and exact duration of a note that the file says to last `stated` ticks.

        Raises:
            ValueError: the ratio is no number, or absurd.
        """
        ratio = tuple([child.text for child in parts["time-modification"]])
        name, is_dotted = parts["type"].text if "type" in parts else None, "dot" in parts
        key = (ratio, name, is_dotted, stated, self.cursor.scale)
        if key not in self._known:
            self._known[key] = self._modification(texts(parts["time-modification"]), name or "", is_dotted, stated)
        return self._known[key]

    def _modification(self, text: dict[str, str], name: str, is_dotted: bool, stated: int) -> _Modification:
        actual, normal = (to_number(text.get(tag), tag) for tag in ("actual-notes", "normal-notes"))
        if not (1 <= actual <= _MAX_RATIO and 1 <= normal <= _MAX_RATIO):
            raise ValueError(f"a tuplet of {actual} in the time of {normal}")
        quarter = Fraction(self.cursor.ticks_per_quarter, UNITS_PER_QUARTER)
        units = TYPE_UNITS.get(text.get("normal-type") or name)
        unit = Fraction(stated * actual, normal) if units is None else units * quarter
        duration = stated
        nearest = self.cursor.scale
        plain = TYPE_UNITS.get(name, 0) * quarter
        for dotted in (Fraction(3, 2), Fraction(7, 4)) if is_dotted else (Fraction(1),):
            exact = plain * dotted * normal / actual
            if exact.denominator == 1 and exact > 0 and abs(exact - stated) < nearest:
                duration, nearest = int(exact), abs(exact - stated)
        return _Modification(actual, normal, unit, duration, not plain or nearest < self.cursor.scale)

    def read(self, element: Element, parts: Parts, voice: int, modification: _Modification) -> None:
        """Note where tuplets begin and end at a note or rest with a time modification."""
        actual, normal, unit, duration, is_true = modification
        onset = self.cursor.chord_tick
        if "rest" not in parts:
            self._sounded[voice] = onset
        brackets = self._brackets.get(voice)
        signs = list(element.iter("tuplet")) if "notations" in parts else []
        starts = sum(sign.get("type") == "start" for sign in signs)
        for sign in signs:
            if sign.get("type") == "start":
                brackets = self._brackets.setdefault(voice, {})
                outer = prod((Fraction(b.actual, b.normal) for b in brackets.values()), start=Fraction(1))
                shown = _SHOWN.get(sign.get("show-number", ""), "number")
                ratio = _ratio(sign, actual, normal, outer)
                if starts == 1 and outer * Fraction(*ratio) != Fraction(actual, normal):  # printed, but not meant
                    left = Fraction(actual, normal) / outer
                    ratio = left.numerator, left.denominator
                brackets[sign.get("number", "1")] = _Bracket(onset, *ratio, shown)
        if brackets and not is_true:
            brackets.update((number, bracket._replace(is_true=False)) for number, bracket in brackets.items())
        is_tremolo = (actual, normal) == (2, 1)  # between two notes
        if not (brackets or is_tremolo or actual == normal) and is_true:
            self._extend_group(voice, onset, onset + duration, (actual, normal), unit)
        for sign in signs:
            if brackets and sign.get("type") == "stop" and sign.get("number", "1") in brackets:
                self._add(voice, brackets.pop(sign.get("number", "1")), onset + duration)

    def _add(self, voice: int, bracket: _Bracket, end: int) -> None:
        start, actual, normal, shown, is_true = bracket
        if not is_true:
            self.found.lost["tuplets whose notes do not last as they say"] += 1
            return
        place, part = self.cursor.at(start), self.cursor.part
        self.found.tuplets.append(Tuplet(place, end - start, part, voice, actual, normal, shown))

    def _extend_group(self, voice: int, onset: int, end: int, ratio: tuple[int, int], unit: Fraction) -> None:
        """Find the extent of tuplets that show no bracket: full when `normal` units are reached."""
        group = self._groups.get(voice)
        if group is None or group.end != onset or group.ratio != ratio:
            group = self._groups[voice] = _Group(onset, onset, ratio, unit)
        group.end, group.unit = end, min(unit, group.unit)
        if group.unit and (end - group.start) % (ratio[1] * group.unit) == 0:
            if self._sounded.get(voice, -1) >= group.start:  # else nothing but rests
                self._add(voice, _Bracket(group.start, *ratio, "nothing"), end)
            del self._groups[voice]


def _ratio(sign: Element, actual: int, normal: int, outer: Fraction) -> tuple[int, int]:
    """The ratio of one bracket: as it states, else what the note's ratio leaves beside the outer brackets."""
    stated = [sign.find(f"{which}/tuplet-number") for which in ("tuplet-actual", "tuplet-normal")]
    if all(s is not None for s in stated):
        counts = number(stated[0]), number(stated[1])
        if all(1 <= count <= _MAX_RATIO for count in counts):
            return counts
    if outer == 1:
        return actual, normal
    left = Fraction(actual, normal) / outer
    return left.numerator, left.denominator
