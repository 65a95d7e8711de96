"""The voices of a score as ABC writes them: notes and rests in order, cut where signs stand."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from partimento.io.abc.said_notes import LONGEST_QUARTERS, Bars, plain_lengths
from partimento.score import Score, Tuplet

_UNSCALED = Fraction(1)


@dataclass(slots=True)
class Piece:
    """What is written as one note, chord or rest (no rows); duration 0: grace notes before nothing."""

    onset: int
    duration: int
    written: Fraction
    """Length on paper in whole notes: inside a tuplet longer than it sounds."""
    rows: list[int] = field(default_factory=list[int])
    """Rows in `Score.notes`, lowest first."""
    graces: list[list[int]] = field(default_factory=list[list[int]])


@dataclass(slots=True)
class Lane:
    """One ABC voice."""

    part: int
    staff: int
    voice: int
    number: int
    is_first: bool
    """The first of its staff, which carries the signs that belong to no note."""
    tuplets: list[Tuplet] = field(default_factory=list[Tuplet])
    rows: list[int] = field(default_factory=list[int])


def lanes(score: Score) -> list[Lane]:
    """The voices of what `sayable` gives; a staff without notes has an empty one."""
    rows: defaultdict[tuple[int, int], dict[int, list[int]]] = defaultdict(dict)
    columns = (score.notes[name].tolist() for name in ("part", "staff", "voice"))
    for row, (part, staff, voice) in enumerate(zip(*columns, strict=True)):
        rows[part, staff].setdefault(voice, []).append(row)
    found: list[Lane] = []
    for part, player in enumerate(score.parts):
        for staff in range(1, player.staves + 1):
            voices = sorted(rows[part, staff].items()) or [(0, [])]
            for index, (voice, of) in enumerate(voices):
                tuplets = [t for t in score.tuplets if (t.part, t.voice) == (part, voice)]
                found.append(Lane(part, staff, voice, len(found) + 1, index == 0, tuplets, of))
    return found


def pieces(score: Score, lane: Lane, bars: Bars, cuts: Iterable[int]) -> Iterator[Piece]:
    """The lane from first to last bar, its rests cut at barlines, tuplet edges and `cuts`."""
    spans = [(t.onset_tick, t.onset_tick + t.duration_tick, Fraction(t.actual, t.normal)) for t in lane.tuplets]
    edges = sorted({*cuts, *(start for start, _ in bars), *(edge for start, end, _ in spans for edge in (start, end))})
    starts = [start for start, _, _ in spans]
    whole = 4 * score.ticks_per_quarter

    def scale(tick: int) -> Fraction:
        index = bisect_right(starts, tick) - 1
        return spans[index][2] if index >= 0 and tick < spans[index][1] else _UNSCALED

    def rests(tick: int, end: int) -> Iterator[Piece]:
        inner = edges[bisect_right(edges, tick) : bisect_left(edges, end)]
        for a, b in zip([tick, *inner], [*inner, end], strict=True):
            start = Fraction(a)  # inside a tuplet a plain value may end between two ticks
            for written in _rest_lengths(Fraction(b - a, whole) * scale(a)):
                yield Piece(int(start), max(int(written / scale(a) * whole), 1), written)
                start += written / scale(a) * whole

    tick = bars[0][0]
    for piece in _sounding(score, lane):
        if piece.onset > tick:
            yield from rests(tick, piece.onset)
        piece.written = Fraction(piece.duration, whole) * scale(piece.onset)
        yield piece
        tick = max(tick, piece.onset + piece.duration)
    if tick < bars[-1][1]:
        yield from rests(tick, bars[-1][1])


def _rest_lengths(length: Fraction) -> list[Fraction]:
    longest = Fraction(LONGEST_QUARTERS, 4)
    count = int(length / longest)
    rest = length - count * longest
    return [longest] * count + (plain_lengths(rest) if rest else [])


def _sounding(score: Score, lane: Lane) -> Iterator[Piece]:
    """The notes of a lane, chords together, each with the grace notes before it."""
    found: dict[int, Piece] = {}
    columns = [score.notes[name].tolist() for name in ("onset_tick", "duration_tick", "grace")]
    for row in lane.rows:
        onset, duration, grace = (column[row] for column in columns)
        piece = found.setdefault(onset, Piece(onset, 0, Fraction(0)))
        if not grace:
            piece.duration = duration
            piece.rows.append(row)
        elif len(piece.graces) < grace:
            piece.graces.append([row])
        else:
            piece.graces[-1].append(row)
    return iter(found.values())
