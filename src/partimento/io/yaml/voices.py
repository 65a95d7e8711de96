"""Voices and tuplets, which the cleaning drops, found again: in the order of notes, backups and forwards."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from partimento.io.musicxml.vocabulary import TYPE_UNITS

Ticks = int | Fraction

_VOICES_PER_STAFF = 4
_OVERFLOW = 400
_MAX_STAFF = 99


@dataclass(slots=True)
class _Voice:
    number: int
    staff: int
    end: Ticks


class VoiceFinder:
    """Tells voices apart in one measure: what begins after a backup is a voice of its own.

    But a voice goes on where the notes before the backup end, or an earlier one of the same staff. As notation
    programs do, voices 1 to 4 are those of the first staff, 5 to 8 those of the second.
    """

    def __init__(self) -> None:
        self._voices: list[_Voice] = []
        self._now: _Voice | None = None
        self.position: Ticks = 0
        self._has_jumped = False

    def move(self, distance: Ticks) -> None:
        """Go forward or, where it is negative, back."""
        self.position = max(self.position + distance, 0)
        self._has_jumped |= distance < 0

    def add(self, duration: Ticks, staff: int) -> int:
        """The voice of a note, rest or chord on a staff; goes behind it."""
        if self._now is None or (self._has_jumped and self.position != self._now.end):
            self._now = self._earlier(staff) or self._new(min(max(staff, 1), _MAX_STAFF))
        self._has_jumped = False
        self.position += duration
        self._now.end = self.position
        return self._now.number

    def _earlier(self, staff: int) -> _Voice | None:
        found = (v for v in reversed(self._voices) if v.staff == staff and v.end == self.position)
        return next(found, None)

    def _new(self, staff: int) -> _Voice:
        ordinal = 1 + sum(voice.staff == staff for voice in self._voices)
        number = _VOICES_PER_STAFF * (staff - 1) + ordinal
        if ordinal > _VOICES_PER_STAFF:
            number = _OVERFLOW + len(self._voices)
        self._voices.append(_Voice(number, staff, self.position))
        return self._voices[-1]


class Value(NamedTuple):
    """How a note or rest is written."""

    type: str
    dots: int
    actual: int
    normal: int


class _Group(NamedTuple):
    first: int
    """Index of its first note."""
    ratio: tuple[int, int]
    unit: int
    written: Fraction
    """In 256th notes, as if it were no tuplet."""


class TupletFinder:
    """Finds tuplets in the notes of one voice of a measure, as they come: full when `actual` units are reached."""

    def __init__(self) -> None:
        self._group: _Group | None = None
        self._count = 0

    def interrupt(self) -> None:
        """Something else stands between the notes."""
        self._group = None

    def add(self, value: Value) -> tuple[int, int] | None:
        """First and last index, counting what was added, of the tuplet that is full with this note or rest."""
        index, self._count = self._count, self._count + 1
        ratio, unit = (value.actual, value.normal), TYPE_UNITS.get(value.type, 0)
        if value.actual == value.normal or not unit:
            self._group = None
            return None
        group = self._group
        if group is None or group.ratio != ratio:
            group = _Group(index, ratio, unit, Fraction(0))
        written = group.written + unit * (2 - Fraction(1, 2**value.dots))
        group = _Group(group.first, ratio, min(unit, group.unit), written)
        is_full = written % (value.actual * group.unit) == 0
        self._group = None if is_full else group
        return (group.first, index) if is_full else None
