"""Score ▶ what stands on paper: bars, voices, chords, rests and note values of one part.

Notes are cut at barlines and tied, and notes that overlap within a voice go to further voices.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from partimento.io.musicxml.pieces import Chord, Head, Piece, pieces
from partimento.io.musicxml.values import Bars, TupletSpan, bar_grid
from partimento.io.musicxml.vocabulary import UNITS_PER_QUARTER
from partimento.score import Part, Records, Score

_SPLIT_PITCH = 60
"""Notes from here on stand on the upper staff where the score does not say."""


@dataclass(slots=True)
class Stream:
    """One voice in one measure."""

    voice: int
    staff: int
    chords: list[Chord] = field(default_factory=list[Chord])
    is_first: bool = False
    """The first voice of its staff: complete, rests included."""
    rest_signs: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """Tick of silence ▶ marks that stand on it."""
    pieces: list[Piece] = field(default_factory=list[Piece])

    def has_room(self, chord: Chord) -> bool:
        """Whether a chord fits between the others."""
        if chord.start == chord.end:
            return all(not c.start < chord.start < c.end for c in self.chords)
        return all(c.end <= chord.start or c.start >= chord.end for c in self.chords)

    def begins_in(self, start: int, end: int) -> bool:
        """Whether a note begins in a span."""
        return any(start <= c.start < end for c in self.chords)

    def is_silent(self, tick: int) -> bool:
        """Whether nothing sounds at a tick."""
        return not any(c.start <= tick < c.end for c in self.chords)


@dataclass(frozen=True, slots=True)
class Extras:
    """What a measure has beside its notes that shapes its voices."""

    spans: dict[int, list[TupletSpan]] = field(default_factory=dict[int, list[TupletSpan]])
    """Voice ▶ tuplets that the score states."""
    rest_signs: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])
    """Staff, tick and mark of fermatas and other signs on rests."""


def layout_scale(score: Score) -> int:
    """Layout ticks per score tick: all note values down to 256ths fall on ticks, also in tuplets."""
    common = math.lcm(score.ticks_per_quarter, *{t.actual for t in score.tuplets if 0 < t.actual < 100}, 3)
    return common * UNITS_PER_QUARTER // score.ticks_per_quarter


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


def lay_out(
    notes: Records, part: Part, extras: dict[int, Extras], bars: Bars, after: frozenset[int]
) -> list[list[Stream]]:
    """The voices of each measure of a part.

    Args:
        notes: the part's notes, spelled, in layout ticks, every staff known.
        part: the part.
        extras: measure ▶ what else it has.
        bars: measures.
        after: ids of grace notes that belong to the note before them; at a barline they stay before it.
    """
    measures = _cut_at_barlines(notes, bars, after)
    usual = _usual_voices(notes, part.staves)
    previous: dict[int, int] = {}
    return [
        _lay_out_measure(index, chords, usual, previous, extras.get(index, Extras()), bars)
        for index, chords in enumerate(measures)
    ]


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


def _cut_at_barlines(notes: Records, bars: Bars, after: frozenset[int]) -> list[list[tuple[Chord, Head]]]:
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
        onset, duration, pitch, spelling, velocity, _, voice, staff, grace, tied, note_id, is_cue = row
        end, start = onset + duration, onset
        if note_id in after and measure and onset == bars.starts[measure]:
            measure -= 1
        is_reached = (pitch, onset) in reached and not (grace and not duration)
        while True:
            barline = bars.starts[measure + 1]
            is_last = end <= barline or measure + 1 == len(measures)
            stop = end if is_last else barline
            head = Head(
                pitch,
                spelling,
                staff,
                note_id,
                velocity,
                is_cue,
                start > onset or is_reached,
                tied or not is_last,
                start == onset,
                is_last,
            )
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
    extras: Extras,
    bars: Bars,
) -> list[Stream]:
    streams, homeless = _stated_voices(found)
    _place(homeless, streams, usual, previous)
    streams += _silent_tuplets(extras.spans, streams, usual)
    for staff, voice in usual.items():
        own = [s for s in streams if s.staff == staff]
        if not own:
            own = [Stream(_free_voice(voice, streams, usual), staff)]
            streams += own
        min(own, key=lambda s: s.voice).is_first = True
    for staff, tick, mark in extras.rest_signs:
        _place_rest_sign(staff, tick - bars.starts[index], mark, streams, usual)
    streams.sort(key=lambda s: (s.staff, s.voice))
    previous.clear()
    for stream in streams:
        previous.update(
            (head.note_id, stream.voice) for chord in stream.chords for head in chord.heads if not head.is_last
        )
        stated = [span for span in extras.spans.get(stream.voice, ()) if _owns(stream, span, streams)]
        stream.pieces = pieces(stream.chords, stated, stream.rest_signs, bars, index, hides_gaps=not stream.is_first)
    return streams


def _owns(stream: Stream, span: TupletSpan, streams: Sequence[Stream]) -> bool:
    """Whether a tuplet belongs to this one of the streams with the number of its voice."""
    rivals = [s for s in streams if s.voice == stream.voice]
    return len(rivals) == 1 or stream is next((s for s in rivals if s.begins_in(span.start, span.end)), rivals[0])


def _silent_tuplets(
    spans: dict[int, list[TupletSpan]], streams: Sequence[Stream], usual: dict[int, int]
) -> list[Stream]:
    """Voices that have nothing in a measure but rests under a bracket."""
    taken = {stream.voice for stream in streams}
    silent = sorted(v for v, own in spans.items() if v not in taken and any(s.shown != "nothing" for s in own))
    return [Stream(v, max((s for s in usual if usual[s] <= v), key=lambda s: usual[s], default=1)) for v in silent]


def _place_rest_sign(staff: int, tick: int, mark: str, streams: list[Stream], usual: dict[int, int]) -> None:
    """Put a mark on silence into the first voice of its staff that is silent there."""
    staff = staff if staff in usual else 1
    rooms = [s for s in streams if s.staff == staff and s.is_silent(tick)]
    stream = min(rooms, key=lambda s: (not s.is_first, s.voice), default=None)
    if stream is None:
        stream = Stream(_free_voice(usual[staff], streams, usual), staff)
        streams.append(stream)
    stream.rest_signs.setdefault(tick, []).append(mark)


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
    """Give chords the first voice of their staff with room; tied ones stay in the voice they come from."""

    def order(chord: Chord) -> tuple[bool, int, int, int]:
        return (
            chord.heads[0].note_id not in previous,
            chord.start,
            chord.grace or 1000,
            -max(h.pitch for h in chord.heads),
        )

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
