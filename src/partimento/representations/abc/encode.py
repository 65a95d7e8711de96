"""Scores to `abc` tokens, vectorised over all notes of a piece.

    <START> R: M: Q: %bars [%opens-midway] [%ends-midway] V:program+ [%chords] K:
    then for each measure
    [M:] [%length] [K:] [Q:] ([DUR] "chord" ["/bass"])* ([V:k] overlay (& overlay)*)* |
    and <END>.

An overlay fills the measure with notes `^ c DUR:6`, chords `[ c e ] DUR:6` and rests `z DUR:6`, each perhaps tied to
the next measure, `-`. A part that rests for the whole measure has no `[V:k]` in it. See `lanes` for how notes that
overlap are laid on overlays.
"""

from __future__ import annotations

import numpy as np

from partimento.plan import Task
from partimento.representations.abc.lanes import Events, events_of
from partimento.representations.abc.vocabulary import (
    CHORDS,
    HIGHEST_OCTAVE,
    LOWEST_OCTAVE,
    LOWEST_ROOT,
    V,
)
from partimento.representations.base import Ints, Longs
from partimento.representations.gridded.encoding import CHORDS as CHORDS_RANK
from partimento.representations.gridded.encoding import Stream, countdown, opening_members, put_changes
from partimento.representations.gridded.quantise import signatures_at
from partimento.representations.gridded.vocabulary import STYLES
from partimento.score import ChordEvent, Score
from partimento.theory import pitch

_FIRST = V.first
_CHORD_INDEX = {symbol and (symbol.root, symbol.kind): index for index, symbol in enumerate(CHORDS)}
_NOTE, _BARLINE = 1 << 20, (1 << 40) - 1
"""Rank of the first event in a measure, behind its signs, and of what closes it."""


def encode_header(score: Score, task: Task) -> Ints:
    """START and the plan of a quantised score, shape (h,)."""
    meter, key, tempo = opening_members(score)[0]
    ids = [
        _FIRST["START"],
        _FIRST["Style"] + STYLES.index(score.tags[0] if score.tags else STYLES[0]),
        _FIRST["Meter"] + meter,
        _FIRST["Tempo"] + tempo,
        _FIRST["Bars"] + len(score.measures) - 1,
        *V.midway(task),
        *(_FIRST["Instrument"] + part.instrument for part in score.parts),
        *([_FIRST["Chords"]] if score.chords else []),
        _FIRST["Key"] + key,
    ]
    return np.array(ids, np.int32)


def encode_body(score: Score) -> tuple[Ints, Longs]:
    """The measures of a quantised score as tokens, without END, and the measure of each token, both shape (t,)."""
    stream, bars = Stream(), len(score.measures)
    index = np.arange(bars)
    stream.put(index, _BARLINE, _FIRST["Bar"] + countdown(bars, index))
    put_changes(stream, score, V)
    if score.chords:
        _put_chords(stream, score)
    if len(score.notes):
        _put_notes(stream, score)
    return stream.sorted()


def _put_chords(stream: Stream, score: Score) -> None:
    """Chords, each behind the time since the one before it, or since the barline, where that is more than none."""
    onset = np.array([c.onset_tick for c in score.chords], np.int64)
    measure = score.measure_at(onset)
    position = onset - score.measures["onset_tick"][measure]
    opens = np.r_[True, np.diff(measure) > 0]
    since = position - np.where(opens, 0, np.r_[0, position[:-1]])
    rank = CHORDS_RANK + 3 * np.arange(len(onset))
    later = since > 0
    stream.put(measure[later], rank[later], _FIRST["Duration"] + since[later] - 1)
    stream.put(measure, rank + 1, _FIRST["Chord"] + np.array([_chord(c) for c in score.chords], np.int64))
    bass = np.array([_bass(c) for c in score.chords], np.int64)
    inverted = bass >= 0
    stream.put(measure[inverted], rank[inverted] + 2, _FIRST["Bass"] + bass[inverted])


def _chord(event: ChordEvent) -> int:
    return _CHORD_INDEX[event.symbol and (event.symbol.root, event.symbol.kind)]


def _bass(event: ChordEvent) -> int:
    return -1 if event.symbol is None or event.symbol.bass is None else event.symbol.bass - LOWEST_ROOT


def _put_notes(stream: Stream, score: Score) -> None:
    events = events_of(score)
    count = len(events.onset)
    base = _NOTE + (np.arange(count) << 9)
    opens_lane, closes_lane = events.opens_lane, np.r_[events.opens_lane[1:], True]
    opens_part = opens_lane & (events.lane == 0)
    later = opens_lane & ~opens_part
    stream.put(events.measure[opens_part], base[opens_part], _FIRST["Voice"] + events.part[opens_part])
    stream.put(events.measure[later], base[later], _FIRST["Overlay"])
    before = np.where(opens_lane, 0, np.r_[0, events.release[:-1]])
    _put_rests(stream, events, base + 1, events.onset - before)
    is_chord = events.count > 1
    stream.put(events.measure[is_chord], base[is_chord] + 3, _FIRST["Open"])
    _put_pitches(stream, score, events, base + 4)
    stream.put(events.measure[is_chord], base[is_chord] + 500, _FIRST["Close"])
    stream.put(events.measure, base + 501, _FIRST["Duration"] + events.release - events.onset - 1)
    stream.put(events.measure[events.tied], base[events.tied] + 502, _FIRST["Tie"])
    length = score.measures["duration_tick"][events.measure]
    _put_rests(stream, events, base + 503, np.where(closes_lane, length - events.release, 0))


def _put_rests(stream: Stream, events: Events, rank: Longs, duration: Longs) -> None:
    rests = duration > 0
    stream.put(events.measure[rests], rank[rests], _FIRST["Rest"])
    stream.put(events.measure[rests], rank[rests] + 1, _FIRST["Duration"] + duration[rests] - 1)


def _put_pitches(stream: Stream, score: Score, events: Events, rank: Longs) -> None:
    """Notes of each event, lowest first, accidentals before those that the key does not give them."""
    number, spelling = events.pitch, events.spelling.astype(np.int64)
    event = np.repeat(np.arange(len(events.onset)), events.count)
    measure = events.measure[event]
    within = np.arange(len(event)) - np.repeat(np.cumsum(events.count) - events.count, events.count)
    place = rank[event] + 2 * within
    is_drum = np.array([part.is_drums for part in score.parts], bool)[events.part[event]]
    alter = np.asarray(pitch.alter_of(spelling))  # type: ignore[arg-type]
    step = np.asarray(pitch.step_of(spelling))  # type: ignore[arg-type]
    octave = (number - alter) // 12 - 1
    letter = _FIRST["Note"] + 7 * (np.clip(octave, LOWEST_OCTAVE, HIGHEST_OCTAVE) - LOWEST_OCTAVE) + step
    stream.put(measure, place + 1, np.where(is_drum, _FIRST["Drum"] + number, letter))
    signed = ~is_drum & (
        alter != signature_alter(step, signatures_at(score.keys, score.measures["onset_tick"][measure])[0])
    )
    stream.put(measure[signed], place[signed], _FIRST["Sign"] + alter[signed] + 2)


def signature_alter(step: Longs, fifths: Longs | int) -> Longs:
    """Alteration that a signature gives to steps."""
    natural = (2 * step + 1) % 7 - 1
    return (np.asarray(fifths) + 5 - natural) // 7
