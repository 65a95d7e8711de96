"""Chords and rests of one voice ▶ note values: tuplets, tied pieces, brackets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from partimento.io.musicxml.values import (
    Bars,
    Grid,
    TupletSpan,
    find_tuplets,
    fits,
    nearest_value,
    split,
    tuplet_grid,
    written_value,
)


class Head(NamedTuple):
    """A notehead: a note of the score, or one of the tied pieces into which it was cut."""

    pitch: int
    spelling: int
    staff: int
    note_id: int
    velocity: int
    is_cue: bool
    tie_stop: bool
    tie_start: bool
    is_first: bool
    is_last: bool


@dataclass(slots=True)
class Chord:
    """Noteheads of one voice that begin and end together; none for silence."""

    start: int
    end: int
    voice: int
    staff: int
    grace: int = 0
    heads: list[Head] = field(default_factory=list[Head])
    rest_signs: Sequence[str] = ()
    """Marks on silence, which is then shown."""


@dataclass(slots=True)
class Piece:
    """A chord or rest of one note value; ticks count from the measure's start."""

    start: int
    end: int
    type: str
    dots: int
    heads: list[Head]
    actual: int = 1
    normal: int = 1
    is_grace: bool = False
    is_gap: bool = False
    """Time that passes unwritten in a further voice."""
    is_bar_rest: bool = False
    rest_signs: Sequence[str] = ()
    """Marks on a rest."""
    tuplet_starts: list[tuple[int, TupletSpan]] = field(default_factory=list[tuple[int, TupletSpan]])
    """Depth in nested tuplets, and the tuplet."""
    tuplet_stops: list[tuple[int, TupletSpan]] = field(default_factory=list[tuple[int, TupletSpan]])
    beams: list[str] = field(default_factory=list[str])


def pieces(
    chords: Sequence[Chord],
    stated: Sequence[TupletSpan],
    rest_signs: Mapping[int, Sequence[str]],
    bars: Bars,
    index: int,
    *,
    hides_gaps: bool,
) -> list[Piece]:
    """One voice of measure `index` in note values.

    Args:
        chords: in any order, none overlapping.
        stated: tuplets that the score states for the voice.
        rest_signs: tick of silence ▶ marks that stand on it.
        bars: measures.
        index: of the measure.
        hides_gaps: whether silence is left unwritten rather than shown as rests.
    """
    length = bars.starts[index + 1] - bars.starts[index]
    is_full = length == bars.meters[index].duration_quarter * bars.quarter
    if not chords and not stated and is_full and rest_signs.keys() <= {0}:
        return [Piece(0, length, "whole", 0, [], is_bar_rest=True, rest_signs=rest_signs.get(0, ()))]
    events = _with_gaps(sorted(chords, key=lambda c: (c.start, c.end > c.start, c.grace)), length, rest_signs)
    spans = _spans(events, stated, bars.grids[index], bars.unit)
    found = [piece for event in events for piece in _values(event, spans, bars, index, hides_gaps=hides_gaps)]
    if untrue := [span for span in spans if not all(_is_true(piece, bars.unit) for piece in _inside(found, span))]:
        spans = [span for span in spans if span not in untrue]
        found = [piece for event in events for piece in _values(event, spans, bars, index, hides_gaps=hides_gaps)]
    _bracket(found, spans)
    return found


def _inside(pieces: Iterable[Piece], span: TupletSpan) -> list[Piece]:
    """The pieces under a tuplet's bracket."""
    return [p for p in pieces if span.start <= p.start and p.end <= span.end and not (p.is_grace or p.is_gap)]


def _is_true(piece: Piece, unit: int) -> bool:
    """Whether a note or rest lasts as its value says."""
    return written_value(piece.end - piece.start, (piece.actual, piece.normal * unit)) == (piece.type, piece.dots)


def _with_gaps(chords: Iterable[Chord], length: int, rest_signs: Mapping[int, Sequence[str]]) -> list[Chord]:
    """Chords and, as chords without heads, the silence between them, cut where a mark stands."""
    events: list[Chord] = []
    reached = 0

    def fill(end: int) -> None:
        ticks = [reached, *sorted(tick for tick in rest_signs if reached < tick < end), end]
        events.extend(Chord(a, b, 0, 0, rest_signs=rest_signs.get(a, ())) for a, b in pairwise(ticks))

    for chord in chords:
        if chord.start > reached:
            fill(chord.start)
        events.append(chord)
        reached = max(reached, chord.end)
    if reached < length:
        fill(length)
    return events


def _spans(events: Sequence[Chord], stated: Sequence[TupletSpan], grid: Grid, unit: int) -> list[TupletSpan]:
    """The tuplets that the score states, where they suit the notes.

    Notes without a stated voice, which nobody has written down yet, get those that they need.
    """
    cuts = sorted({tick for event in events for tick in (event.start, event.end)})
    notes = [event for event in events if event.voice and event.heads and event.end > event.start]
    spans = [
        span
        for span in stated
        if fits(_whole(span, stated), _outside_inner(cuts, span, stated), unit) and not _cuts(span, notes)
    ]
    if not notes and any(event.heads and not event.voice for event in events):
        rests = [(event.start, event.end) for event in events if not event.heads]
        loose = [c for c in cuts if not any(span.start < c < span.end for span in spans)]
        found = find_tuplets(loose, rests, grid, unit)
        spans += [f for f in found if not any(s.start < f.end and f.start < s.end for s in spans)]
    return sorted(spans, key=lambda span: (span.start, -span.end))


def _cuts(span: TupletSpan, notes: Iterable[Chord]) -> bool:
    """Whether a tuplet would cut a note of a stated voice, which was written as one."""
    return any(
        n.start < span.end and span.start < n.end and not (span.start <= n.start and n.end <= span.end) for n in notes
    )


def _outside_inner(cuts: Sequence[int], span: TupletSpan, spans: Sequence[TupletSpan]) -> list[int]:
    inner = [s for s in spans if s != span and span.start <= s.start and s.end <= span.end]
    return [c for c in cuts if not any(s.start < c < s.end for s in inner)]


def _whole(span: TupletSpan, spans: Sequence[TupletSpan]) -> TupletSpan:
    """A tuplet inside another, with the ratio of both."""
    actual, normal = _ratio(span.start, span.end, spans)
    return replace(span, actual=actual, normal=normal)


def _ratio(start: int, end: int, spans: Iterable[TupletSpan]) -> tuple[int, int]:
    around = [span for span in spans if span.start <= start and end <= span.end]
    return math.prod(span.actual for span in around), math.prod(span.normal for span in around)


def _values(event: Chord, spans: Sequence[TupletSpan], bars: Bars, index: int, *, hides_gaps: bool) -> list[Piece]:
    """One chord or silence as pieces of one value each, tied where they sound."""
    if event.grace and event.start == event.end:
        return [Piece(event.start, event.end, "", 0, event.heads, is_grace=True)]
    if event.voice and event.heads and not spans and (value := written_value(event.end - event.start, (1, bars.unit))):
        return [Piece(event.start, event.end, *value, event.heads)]
    edges = {edge for span in spans for edge in (span.start, span.end) if event.start < edge < event.end}
    ticks = [event.start, *sorted(edges), event.end]
    pieces: list[Piece] = []
    for start, end in pairwise(ticks):
        around = [span for span in spans if span.start <= start and end <= span.end]
        if not event.heads and hides_gaps and not around and not event.rest_signs:
            pieces.append(Piece(start, end, "", 0, [], is_gap=True))
            continue
        actual, normal = _ratio(start, end, around)
        units_per_tick = (actual, normal * bars.unit)
        is_kept = event.voice > 0 and bool(event.heads) and _is_one_note(end - start, units_per_tick)
        grid = tuplet_grid(around[-1], bars.unit) if around else bars.grids[index]
        cuts = [(start, end)] if is_kept else split(start, end, grid, units_per_tick, is_rest=not event.heads)
        for a, b in cuts:
            name, dots = written_value(b - a, units_per_tick) or nearest_value(b - a, units_per_tick)
            pieces.append(Piece(a, b, name, dots, event.heads, actual, normal))
    pieces[0].rest_signs = event.rest_signs
    for number, piece in enumerate(pieces):
        piece.heads = [_part_of(head, number == 0, number == len(pieces) - 1) for head in event.heads]
    return pieces


def _is_one_note(duration: int, units_per_tick: tuple[int, int]) -> bool:
    """Whether a note of a stated voice stays whole: one value lasts so long, or none and no sum of them."""
    is_off_grid = duration * units_per_tick[0] % units_per_tick[1] != 0
    return is_off_grid or written_value(duration, units_per_tick) is not None


def _part_of(head: Head, is_first: bool, is_last: bool) -> Head:
    if is_first and is_last:
        return head
    return head._replace(
        tie_stop=head.tie_stop or not is_first,
        tie_start=head.tie_start or not is_last,
        is_first=head.is_first and is_first,
        is_last=head.is_last and is_last,
    )


def _bracket(pieces: Sequence[Piece], spans: Sequence[TupletSpan]) -> None:
    """Note on the pieces where tuplets begin and end."""
    for span in spans:
        if inside := _inside(pieces, span):
            depth = 1 + sum(s.start <= span.start and span.end <= s.end and s is not span for s in spans)
            inside[0].tuplet_starts.append((depth, span))
            inside[-1].tuplet_stops.append((depth, span))
