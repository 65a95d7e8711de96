"""Divides the notes of a staff into lines that ABC can write one after another."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np

from partimento.score import Records, Score, Tuplet
from partimento.theory import pitch
from partimento.theory.key import Key
from partimento.theory.spelling import spell

_UNSCALED = Fraction(1)
FINEST_SPLIT = 64
"""Lengths down to a 64th are split into plain note values; what is finer (performances) stays as it is."""


@dataclass(slots=True)
class Event:
    """Notes that begin and end together, with the grace notes before them; duration 0: only graces."""

    onset: int
    duration: int
    notes: list[int] = field(default_factory=list[int])
    """Rows in `Score.notes`."""
    graces: list[list[int]] = field(default_factory=list[list[int]])


@dataclass(slots=True)
class Lane:
    """A line without overlaps: one ABC voice."""

    part: int
    staff: int
    voice: int
    is_first: bool
    """The first of its staff, which carries the signs that belong to no note."""
    events: list[Event] = field(default_factory=list[Event])
    tuplets: list[Tuplet] = field(default_factory=list[Tuplet])

    @property
    def end(self) -> int:
        """Where the last event ends."""
        return self.events[-1].onset + self.events[-1].duration if self.events else 0


@dataclass(slots=True)
class Piece:
    """What is written as one note, chord or rest (`event` None)."""

    onset: int
    duration: int
    event: Event | None
    written: Fraction
    """Length on paper in whole notes: inside a tuplet longer than it sounds."""
    is_first: bool = True
    is_last: bool = True


def lanes(score: Score) -> list[Lane]:
    """Every part's staves, their voices, and of each voice as many lanes as notes overlap in it."""
    notes = score.notes
    result: list[Lane] = []
    staves = np.maximum(notes["staff"], 1)
    for part, player in enumerate(score.parts):
        for staff in range(1, max(player.staves, 1) + 1):
            of_staff = staves == staff if staff < player.staves else staves >= staff
            rows = np.flatnonzero((notes["part"] == part) & of_staff)
            found: list[Lane] = []
            for voice in np.unique(notes["voice"][rows]).tolist():
                found += _lanes_of_voice(score, rows[notes["voice"][rows] == voice].tolist(), part, staff, int(voice))
            result += found or [Lane(part, staff, 1, True)]
            result[-len(found) or -1].is_first = True
    return result


def _lanes_of_voice(score: Score, rows: list[int], part: int, staff: int, voice: int) -> list[Lane]:
    found: list[Lane] = []
    for event in _events(score.notes, rows):
        lane = next((lane for lane in found if lane.end <= event.onset), None)
        if lane is None:
            lane = Lane(part, staff, voice, is_first=False)
            found.append(lane)
        lane.events.append(event)
    if found:
        found[0].tuplets = _disjoint([t for t in score.tuplets if (t.part, t.voice) == (part, voice)])
    return found


def _events(notes: Records, rows: list[int]) -> list[Event]:
    events: dict[tuple[int, int], Event] = {}
    graces: dict[int, dict[int, list[int]]] = {}
    columns = (notes[name][rows].tolist() for name in ("onset_tick", "duration_tick", "grace"))
    for row, onset, duration, grace in zip(rows, *columns, strict=True):
        if grace:
            graces.setdefault(onset, {}).setdefault(grace, []).append(row)
        elif duration:
            events.setdefault((onset, duration), Event(onset, duration)).notes.append(row)
    by_onset = {event.onset: event for event in reversed(events.values())}
    for onset, groups in graces.items():
        event = by_onset.get(onset) or events.setdefault((onset, 0), Event(onset, 0))
        event.graces = [groups[number] for number in sorted(groups)]
    return sorted(events.values(), key=lambda event: (event.onset, event.duration))


def _disjoint(tuplets: list[Tuplet]) -> list[Tuplet]:
    """The tuplets that begin after the one before has ended; ABC has no nested ones."""
    kept: list[Tuplet] = []
    for tuplet in tuplets:
        is_free = not kept or tuplet.onset_tick >= kept[-1].onset_tick + kept[-1].duration_tick
        if is_free and tuplet.duration_tick > 0 and tuplet.actual > 1 and tuplet.normal > 0:
            kept.append(tuplet)
    return kept


def pieces(score: Score, lane: Lane, bars: list[tuple[int, int]], cuts: set[int], rest_cuts: set[int]) -> list[Piece]:
    """The lane from first to last bar, notes and rests cut at barlines, tuplet edges and `cuts`.

    Args:
        score: the score.
        lane: one of its lanes.
        bars: start and end tick of each bar, contiguous.
        cuts: ticks at which notes and rests are cut.
        rest_cuts: ticks at which only rests are cut.
    """
    spans = [(t.onset_tick, t.onset_tick + t.duration_tick, Fraction(t.actual, t.normal)) for t in lane.tuplets]
    edges = {
        bars[0][0],
        *(end for _, end in bars),
        *(edge for start, end, _ in spans for edge in (start, end)),
    }
    cutter = _Cutter(spans, 4 * score.ticks_per_quarter, is_performance=not len(score.measures))
    sorted_cuts, sorted_rest_cuts = sorted(edges | cuts), sorted(edges | cuts | rest_cuts)
    result: list[Piece] = []
    tick, last = bars[0][0], bars[-1][1]
    for event in [*lane.events, Event(last, 0)]:
        if event.onset > tick:
            result += cutter.cut(None, tick, event.onset, sorted_rest_cuts)
        if event.duration:
            result += cutter.cut(event, event.onset, event.onset + event.duration, sorted_cuts)
        elif event.graces:
            result.append(Piece(event.onset, 0, event, Fraction(0)))
        tick = max(tick, event.onset + event.duration)
    return result


class _Cutter:
    """Cuts notes and rests, and finds their lengths on paper."""

    def __init__(self, spans: list[tuple[int, int, Fraction]], whole: int, is_performance: bool) -> None:
        self._spans, self._whole, self._is_performance = spans, whole, is_performance
        self._starts = [start for start, _, _ in spans]

    def cut(self, event: Event | None, start: int, end: int, cuts: list[int]) -> list[Piece]:
        """The pieces of a note or rest."""
        inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
        found: list[Piece] = []
        for a, b in zip([start, *inner], [*inner, end], strict=True):
            scale = self._scale(a)
            tick = a
            for written, duration in _written_lengths(b - a, self._whole, scale, self._is_performance):
                found.append(Piece(tick, duration, event, written, is_first=False, is_last=False))
                tick += duration
        found[0].is_first = found[-1].is_last = True
        return found

    def _scale(self, tick: int) -> Fraction:
        index = bisect_right(self._starts, tick) - 1
        return self._spans[index][2] if index >= 0 and tick < self._spans[index][1] else _UNSCALED


@lru_cache(maxsize=4096)
def _written_lengths(duration: int, whole: int, scale: Fraction, is_performance: bool) -> list[tuple[Fraction, int]]:
    """The values that a length is written with, and the ticks that each lasts; one value in a performance."""
    length = Fraction(duration, whole) * scale
    values = [length] if is_performance else plain_lengths(length)
    return [(written, int(written / scale * whole)) for written in values]


def plain_lengths(length: Fraction) -> list[Fraction]:
    """A length as a sum of plain and dotted note values, longest first; unchanged if there is none."""
    if length.denominator > FINEST_SPLIT or length.denominator & (length.denominator - 1):
        return [length]
    result: list[Fraction] = []
    rest = length.numerator
    while rest:
        top = 1 << (rest.bit_length() - 1)
        best = max(value for value in (top * 7 // 4, top * 3 // 2, top) if value <= rest)
        result.append(Fraction(best, length.denominator))
        rest -= best
    return result


def spellings(score: Score) -> list[int]:
    """Spelling of each note; those without one are spelled in the key of their part, or C major."""
    notes = score.notes
    result = notes["spelling"].astype(np.int64)
    is_odd = np.abs(pitch.alter_of(result)) > 2  # type: ignore[operator]
    for part in range(len(score.parts)):
        rows = np.flatnonzero(is_odd & (notes["part"] == part))
        keys = {0: Key(0)}
        for onset, of_part, fifths, mode in score.keys.tolist():
            if of_part in (-1, part):
                keys[onset] = Key.from_ids(fifths, mode)
        index = np.maximum(np.searchsorted(list(keys), notes["onset_tick"][rows], "right") - 1, 0)
        fifths = np.array([key.fifths for key in keys.values()])[index]
        minor = np.array([key.mode == "minor" for key in keys.values()])[index]
        result[rows] = spell(notes["pitch"][rows], fifths, minor)
    return result.tolist()
