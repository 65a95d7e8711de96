"""Chords and rests of one voice ▶ note values: tuplets, tied pieces, brackets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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
    tie_stop: bool
    tie_start: bool
    is_first: bool
    is_last: bool


@dataclass(slots=True)
class Chord:
    """Noteheads of one voice that begin and end together; none for a rest."""

    start: int
    end: int
    voice: int
    staff: int
    grace: int = 0
    heads: list[Head] = field(default_factory=list)


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
    tuplet_starts: list[tuple[int, TupletSpan]] = field(default_factory=list)
    tuplet_stops: list[int] = field(default_factory=list)
    beams: list[str] = field(default_factory=list)


def pieces(
    chords: Sequence[Chord], stated: Sequence[TupletSpan], bars: Bars, index: int, *, hides_gaps: bool
) -> list[Piece]:
    """One voice of measure `index` in note values.

    Args:
        chords: in any order, none overlapping.
        stated: tuplets that the score states for the voice.
        bars: measures.
        index: of the measure.
        hides_gaps: whether silence is left unwritten rather than shown as rests.
    """
    length = bars.starts[index + 1] - bars.starts[index]
    if not chords and length == bars.meters[index].duration_quarter * bars.quarter:
        return [Piece(0, length, "whole", 0, [], is_bar_rest=True)]
    events = _with_gaps(sorted(chords, key=lambda c: (c.start, c.end > c.start, c.grace)), length)
    spans = _spans(events, stated, bars.grids[index], bars.unit)
    found = [piece for event in events for piece in _values(event, spans, bars, index, hides_gaps=hides_gaps)]
    _bracket(found, spans)
    return found


def _with_gaps(chords: Iterable[Chord], length: int) -> list[Chord]:
    """Chords and, as chords without heads, the silence between them."""
    events: list[Chord] = []
    reached = 0
    for chord in chords:
        if chord.start > reached:
            events.append(Chord(reached, chord.start, chord.voice, chord.staff))
        events.append(chord)
        reached = max(reached, chord.end)
    if reached < length:
        events.append(Chord(reached, length, 0, 0))
    return events


def _spans(events: Sequence[Chord], stated: Sequence[TupletSpan], grid: Grid, unit: int) -> list[TupletSpan]:
    """The tuplets that the score states, where they suit the notes, and those that the other notes need."""
    cuts = sorted({tick for event in events for tick in (event.start, event.end)})
    spans = [span for span in stated if fits(_whole(span, stated), _outside_inner(cuts, span, stated), unit)]
    rests = [(event.start, event.end) for event in events if not event.heads]
    loose = [c for c in cuts if not any(span.start < c < span.end for span in spans)]
    found = find_tuplets(loose, rests, grid, unit)
    spans += [f for f in found if not any(s.start < f.end and f.start < s.end for s in spans)]
    return sorted(spans, key=lambda span: (span.start, -span.end))


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
        if not event.heads and hides_gaps and not around:
            pieces.append(Piece(start, end, "", 0, [], is_gap=True))
            continue
        actual, normal = _ratio(start, end, around)
        units_per_tick = (actual, normal * bars.unit)
        is_kept = event.voice > 0 and bool(event.heads) and written_value(end - start, units_per_tick) is not None
        grid = tuplet_grid(around[-1], bars.unit) if around else bars.grids[index]
        cuts = [(start, end)] if is_kept else split(start, end, grid, units_per_tick, is_rest=not event.heads)
        for a, b in cuts:
            name, dots = written_value(b - a, units_per_tick) or nearest_value(b - a, units_per_tick)
            pieces.append(Piece(a, b, name, dots, event.heads, actual, normal))
    for number, piece in enumerate(pieces):
        piece.heads = [_part_of(head, number == 0, number == len(pieces) - 1) for head in event.heads]
    return pieces


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
        inside = [p for p in pieces if span.start <= p.start and p.end <= span.end and not (p.is_grace or p.is_gap)]
        if inside:
            depth = 1 + sum(s.start <= span.start and span.end <= s.end and s is not span for s in spans)
            inside[0].tuplet_starts.append((depth, span))
            inside[-1].tuplet_stops.append(depth)
