"""Voices and tuplets, which the cleaning drops, found again: in the order of notes, backups and forwards."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from partimento.io.musicxml.vocabulary import TYPE_UNITS

_VOICES_PER_STAFF = 4
_OVERFLOW = 400
_MAX_STAFF = 99
_MOST_DOTS = 2


@dataclass(slots=True)
class _Voice:
    number: int
    staff: int
    end: Fraction


class VoiceFinder:
    """Tells voices apart in one measure: what begins after a backup is a voice of its own.

    But what begins where the notes before the backup end goes on with their voice, as it does with an earlier one of
    its staff. As notation programs do, voices 1 to 4 are those of the first staff, 5 to 8 those of the second.
    """

    def __init__(self) -> None:
        self._voices: list[_Voice] = []
        self._now: _Voice | None = None
        self.position = Fraction(0)
        self._has_jumped = False

    def move(self, distance: Fraction | int) -> None:
        """Go forward or, where it is negative, back."""
        self.position = max(self.position + distance, Fraction(0))
        self._has_jumped |= self._now is not None and self.position < self._now.end

    def add(self, duration: Fraction | int, staff: int) -> int:
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


Span = tuple[int, int]
"""First and last index of the notes under a bracket, counted from the first that was added."""


class _Group(NamedTuple):
    first: int
    """Index of its first note."""
    ratio: tuple[int, int]
    unit: int
    written: Fraction
    """In 256th notes, as if it were no tuplet."""
    full: int | None = None
    """Index of the last note up to which it is full."""


class TupletFinder:
    """Finds tuplets in the notes of one voice of a measure, as they come.

    Notes of one ratio belong together until a multiple of `actual` units, the shortest note value among them, is
    reached on a beat; or before one where they end there.
    """

    def __init__(self) -> None:
        self._group: _Group | None = None
        self._count = 0

    def end(self) -> list[Span]:
        """The tuplet that is complete as something else or nothing follows, if there is one."""
        group, self._group = self._group, None
        return [] if group is None or group.full is None else [(group.first, group.full)]

    def add(self, value: Value, *, ends_on_beat: bool) -> list[Span]:
        """The tuplets that are complete with another note or rest."""
        index, self._count = self._count, self._count + 1
        ratio, unit = (value.actual, value.normal), TYPE_UNITS.get(value.type, 0)
        if value.actual == value.normal or not unit or value.dots > _MOST_DOTS:
            return self.end()
        found = self.end() if self._group is not None and self._group.ratio != ratio else []
        group = self._group or _Group(index, ratio, unit, Fraction(0))
        written = group.written + unit * (2 - Fraction(1, 2**value.dots))
        unit = min(unit, group.unit)
        is_full = written % (value.actual * unit) == 0
        self._group = group._replace(unit=unit, written=written, full=index if is_full else group.full)
        return found + self.end() if is_full and ends_on_beat else found
