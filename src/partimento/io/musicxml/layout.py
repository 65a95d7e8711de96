"""Score ▶ what stands on paper: bars, voices, chords, rests and note values of one part.

Notes are cut at barlines and tied, notes that overlap within a voice go to further voices, and gaps become rests.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from partimento.io.musicxml.values import (
    Grid, TupletSpan, bar_grid, find_tuplets, fits, nearest_value, split, tuplet_grid, written_value,
)  # fmt: skip
from partimento.io.musicxml.vocabulary import UNITS_PER_QUARTER
from partimento.score import Part, Records, Score
from partimento.theory.meter import Meter

_SPLIT_PITCH = 60
"""Notes from here on stand on the upper staff where the score does not say."""


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


@dataclass(slots=True)
class Stream:
    """One voice in one measure."""

    voice: int
    staff: int
    chords: list[Chord] = field(default_factory=list)
    is_first: bool = False
    """The first voice of its staff: complete, rests included."""
    pieces: list[Piece] = field(default_factory=list)

    def has_room(self, chord: Chord) -> bool:
        """Whether a chord fits between the others."""
        if chord.start == chord.end:
            return all(not c.start < chord.start < c.end for c in self.chords)
        return all(c.end <= chord.start or c.start >= chord.end for c in self.chords)


@dataclass(frozen=True, slots=True)
class Bars:
    """The measures of a score at the layout's resolution."""

    unit: int
    """Ticks of a 256th."""
    starts: tuple[int, ...]
    """First tick of each measure, and the last barline."""
    meters: tuple[Meter, ...]
    grids: tuple[Grid, ...]

    @property
    def quarter(self) -> int:
        """Ticks of a quarter."""
        return self.unit * UNITS_PER_QUARTER


def layout_scale(score: Score) -> int:
    """Layout ticks per score tick: all note values down to 256ths fall on ticks, also in tuplets."""
    return math.lcm(score.ticks_per_quarter, *(t.actual for t in score.tuplets), 3) * UNITS_PER_QUARTER // score.ticks_per_quarter


def layout_bars(score: Score) -> Bars:
    """The measures of a score that has some."""
    scale = layout_scale(score)
    unit = score.ticks_per_quarter * scale // UNITS_PER_QUARTER
    onsets = (score.measures["onset_tick"] * scale).tolist()
    starts = (*onsets, onsets[-1] + int(score.measures["duration_tick"][-1]) * scale)
    meters = tuple(score.meter_at(tick) for tick in score.measures["onset_tick"].tolist())
    grids = tuple(
        bar_grid(meter, end - start, unit, is_pickup=index == 0 and score.has_pickup)
        for index, (meter, start, end) in enumerate(zip(meters, starts[:-1], starts[1:], strict=True))
    )
    return Bars(unit, starts, meters, grids)


def lay_out(notes: Records, part: Part, spans: dict[int, dict[int, list[TupletSpan]]], bars: Bars) -> list[list[Stream]]:
    """The voices of each measure of a part.

    Args:
        notes: the part's notes, spelled, in layout ticks, every staff known.
        part: the part.
        spans: measure ▶ voice ▶ tuplets that the score states.
        bars: measures.
    """
    measures = _cut_at_barlines(notes, bars)
    usual = _usual_voices(notes, part.staves)
    previous: dict[int, int] = {}
    return [_lay_out_measure(index, chords, usual, previous, spans.get(index, {}), bars) for index, chords in enumerate(measures)]


def staff_of(notes: Records, staves: int) -> Records:
    """Notes with a staff each: as the score says, else by pitch."""
    notes = notes.copy()
    unknown = (notes["staff"] < 1) | (notes["staff"] > staves)
    guess = 1 if staves == 1 else np.where(notes["pitch"] >= _SPLIT_PITCH, 1, 2)
    notes["staff"] = np.where(unknown, guess, notes["staff"])
    return notes


def _usual_voices(notes: Records, staves: int) -> dict[int, int]:
    """Staff ▶ number of its first voice."""
    usual: dict[int, int] = {}
    for voice, staff in sorted(set(zip(notes["voice"].tolist(), notes["staff"].tolist(), strict=True))):
        if voice > 0:
            usual.setdefault(staff, voice)
    return {staff: usual.get(staff, 4 * staff - 3) for staff in range(1, staves + 1)}


def _cut_at_barlines(notes: Records, bars: Bars) -> list[list[tuple[Chord, Head]]]:
    """Noteheads of each measure, every one as a chord of its own."""
    starts = np.array(bars.starts)
    measures: list[list[tuple[Chord, Head]]] = [[] for _ in starts[1:]]
    ends = notes["onset_tick"] + notes["duration_tick"]
    reached = {
        (pitch, end)
        for pitch, end, tied in zip(notes["pitch"].tolist(), ends.tolist(), notes["tied"].tolist(), strict=True)
        if tied
    }
    first_measures = np.clip(np.searchsorted(starts, notes["onset_tick"], "right") - 1, 0, len(measures) - 1).tolist()
    for row, measure in zip(notes.tolist(), first_measures, strict=True):
        onset, duration, pitch, spelling, _, _, voice, staff, grace, tied, note_id = row
        end, start = onset + duration, onset
        is_reached = (pitch, onset) in reached and not (grace and not duration)
        while True:
            barline = bars.starts[measure + 1]
            is_last = end <= barline or measure + 1 == len(measures)
            stop = end if is_last else barline
            head = Head(pitch, spelling, staff, note_id, start > onset or is_reached, tied or not is_last, start == onset, is_last)
            base = bars.starts[measure]
            measures[measure].append((Chord(start - base, stop - base, voice, staff, grace), head))
            if is_last:
                break
            start, measure = stop, measure + 1
    return measures


# Voices


def _lay_out_measure(
    index: int,
    found: Sequence[tuple[Chord, Head]],
    usual: dict[int, int],
    previous: dict[int, int],
    spans: dict[int, list[TupletSpan]],
    bars: Bars,
) -> list[Stream]:
    streams, homeless = _stated_voices(found)
    _place(homeless, streams, usual, previous)
    for staff, voice in usual.items():
        own = [s for s in streams if s.staff == staff]
        if not own:
            own = [Stream(_free_voice(voice, streams, usual), staff)]
            streams += own
        min(own, key=lambda s: s.voice).is_first = True
    streams.sort(key=lambda s: (s.staff, s.voice))
    previous.clear()
    for stream in streams:
        previous.update((head.note_id, stream.voice) for chord in stream.chords for head in chord.heads if not head.is_last)
        stream.pieces = _pieces(stream, spans.get(stream.voice, []), bars, index)
    return streams


def _stated_voices(found: Iterable[tuple[Chord, Head]]) -> tuple[list[Stream], list[Chord]]:
    """Voices as the score states them, and the chords that have none or overlap with others in theirs."""
    voices: dict[int, dict[tuple[int, int, int], Chord]] = defaultdict(dict)
    for chord, head in found:
        key = (chord.start, chord.end, chord.grace if chord.voice else 1000 * chord.staff + chord.grace)
        voices[chord.voice].setdefault(key, chord).heads.append(head)
    homeless = list(voices.pop(0, {}).values())
    streams: list[Stream] = []
    for voice, chords in voices.items():
        whole = _stream(voice, chords.values())
        if whole is None:
            for staff in sorted({head.staff for chord in chords.values() for head in chord.heads}):
                stream = Stream(voice, staff)
                for chord in _on_staff(chords.values(), staff):
                    (stream.chords if stream.has_room(chord) else homeless).append(chord)
                streams.append(stream)
        else:
            streams.append(whole)
    return streams, homeless


def _stream(voice: int, chords: Iterable[Chord]) -> Stream | None:
    """The voice on its most frequent staff, None if chords overlap."""
    staves = [head.staff for chord in chords for head in chord.heads]
    stream = Stream(voice, max(sorted(set(staves)), key=staves.count))
    for chord in chords:
        if not stream.has_room(chord):
            return None
        stream.chords.append(chord)
    return stream


def _on_staff(chords: Iterable[Chord], staff: int) -> list[Chord]:
    cut = [replace(c, staff=staff, heads=[h for h in c.heads if h.staff == staff]) for c in chords]
    return [chord for chord in cut if chord.heads]


def _place(homeless: list[Chord], streams: list[Stream], usual: dict[int, int], previous: dict[int, int]) -> None:
    """Give chords the first voice of their staff with room; tied ones stay in the voice that they come from."""

    def order(chord: Chord) -> tuple[bool, int, int, int]:
        return not chord.heads[0].note_id in previous, chord.start, chord.grace or 1000, -max(h.pitch for h in chord.heads)

    for chord in sorted(homeless, key=order):
        wanted = previous.get(chord.heads[0].note_id)
        rooms = [s for s in streams if s.staff == chord.staff and s.has_room(chord)]
        stream = next((s for s in rooms if s.voice == wanted), None) or min(rooms, key=lambda s: s.voice, default=None)
        if stream is None:
            stream = Stream(_free_voice(wanted or usual[chord.staff], streams, usual), chord.staff)
            streams.append(stream)
        stream.chords.append(chord)


def _free_voice(wanted: int, streams: Sequence[Stream], usual: dict[int, int]) -> int:
    taken = {s.voice for s in streams} | (set(usual.values()) - {wanted})
    while wanted in taken:
        wanted += 1
    return wanted


# Note values


def _pieces(stream: Stream, stated: Sequence[TupletSpan], bars: Bars, index: int) -> list[Piece]:
    length = bars.starts[index + 1] - bars.starts[index]
    if not stream.chords:
        return [Piece(0, length, "whole", 0, [], is_bar_rest=True)]
    events = _with_gaps(sorted(stream.chords, key=lambda c: (c.start, c.end > c.start, c.grace)), length)
    spans = _spans(events, stated, bars.grids[index], bars.unit)
    pieces = [piece for event in events for piece in _values(event, spans, bars, index, hides_gaps=not stream.is_first)]
    _bracket(pieces, spans)
    return pieces


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
    spans = [span for span in stated if fits(_whole(span, stated), cuts, unit)]
    rests = [(event.start, event.end) for event in events if not event.heads]
    loose = [c for c in cuts if not any(span.start < c < span.end for span in spans)]
    found = find_tuplets(loose, rests, grid, unit)
    spans += [f for f in found if not any(s.start < f.end and f.start < s.end for s in spans)]
    return sorted(spans, key=lambda span: (span.start, -span.end))


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
    edges = {edge for span in spans for edge in (span.start, span.end) if event.start < edge < event.end}
    ticks = [event.start, *sorted(edges), event.end]
    pieces: list[Piece] = []
    for start, end in zip(ticks[:-1], ticks[1:], strict=True):
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
