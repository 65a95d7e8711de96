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
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.representations.abc.lanes import Events, events_of
from partimento.representations.abc.vocabulary import (
    CHORDS,
    HIGHEST_OCTAVE,
    LENGTHS,
    LOWEST_OCTAVE,
    LOWEST_ROOT,
    build,
)
from partimento.representations.base import Ints
from partimento.representations.remi.vocabulary import KEYS, MAX_COUNTDOWN, METERS, STYLES, TEMPOS_BPM
from partimento.score import ChordEvent, Score
from partimento.theory import pitch
from partimento.theory.instrument import DRUMS

V = build()
_FIRST = V.first
_METER_INDEX = {(meter.beats, meter.beat_type): index for index, meter in enumerate(METERS)}
_KEY_INDEX = {None if key is None else (key.fifths, key.mode_id): index for index, key in enumerate(KEYS)}
_TEMPO_INDEX = {tempo: index for index, tempo in enumerate(TEMPOS_BPM)}
_CHORD_INDEX = {symbol and (symbol.root, symbol.kind): index for index, symbol in enumerate(CHORDS)}
_NOTE = 1 << 20
"""Rank of the first event in a measure, behind its signs."""


class _Stream:
    """Tokens gathered in any order, each with its place: measure, and rank in it."""

    def __init__(self) -> None:
        self._keys: list[NDArray[np.int64]] = []
        self._tokens: list[NDArray[np.int64]] = []

    def put(self, measure: NDArray[np.int64], rank: NDArray[np.int64] | int, token: NDArray[np.int64] | int) -> None:
        self._keys.append((measure << 40) + rank)
        self._tokens.append(np.broadcast_to(np.asarray(token, np.int64), len(measure)))

    def sorted(self) -> tuple[Ints, NDArray[np.int64]]:
        """All tokens in order, and the measure of each."""
        keys = np.concatenate(self._keys)
        order = np.argsort(keys, kind="stable")
        return np.concatenate(self._tokens)[order].astype(np.int32), keys[order] >> 40


def encode_header(score: Score, task: Task) -> Ints:
    """START and the plan of a quantised score, shape (h,)."""
    meter = (int(score.meters["beats"][0]), int(score.meters["beat_type"][0]))
    key = (int(score.keys["fifths"][0]), int(score.keys["mode"][0])) if len(score.keys) else None
    tempo = int(score.tempos["tempo_bpm"][0]) if len(score.tempos) else None
    ids = [
        _FIRST["START"],
        _FIRST["Style"] + STYLES.index(score.tags[0] if score.tags else STYLES[0]),
        _FIRST["Meter"] + _METER_INDEX[meter],
        _FIRST["Tempo"] + _TEMPO_INDEX[tempo],
        _FIRST["Bars"] + len(score.measures) - 1,
        *([_FIRST["Opens"]] if task.opens_midway else []),
        *([_FIRST["Ends"]] if task.ends_midway else []),
        *(_FIRST["Instrument"] + (DRUMS if part.is_drums else part.program) for part in score.parts),
        *([_FIRST["Chords"]] if score.chords else []),
        _FIRST["Key"] + _KEY_INDEX[key],
    ]
    return np.array(ids, np.int32)


def encode_body(score: Score) -> tuple[Ints, NDArray[np.int64]]:
    """The measures of a quantised score as tokens, without END, and the measure of each token, both shape (t,)."""
    stream = _Stream()
    _put_measures(stream, score)
    if score.chords:
        _put_chords(stream, score)
    if len(score.notes):
        _put_notes(stream, score)
    return stream.sorted()


def _put_measures(stream: _Stream, score: Score) -> None:
    measures = score.measures
    index = np.arange(len(measures))
    countdown = np.minimum(len(measures) - 1 - index, MAX_COUNTDOWN - 1)
    stream.put(index, (1 << 40) - 1, _FIRST["Bar"] + countdown)
    meters = np.array([_METER_INDEX[row] for row in score.meters[["beats", "beat_type"]].tolist()], np.int64)
    keys = np.array([_KEY_INDEX[row] for row in score.keys[["fifths", "mode"]].tolist()], np.int64)
    tempos = np.array([_TEMPO_INDEX[int(tempo)] for tempo in score.tempos["tempo_bpm"]], np.int64)
    changes = (("Meter", score.meters, meters, 0), ("Key", score.keys, keys, 2), ("Tempo", score.tempos, tempos, 3))
    for block, events, values, rank in changes:
        at = np.searchsorted(measures["onset_tick"], events["onset_tick"][1:])
        stream.put(at, rank, _FIRST[block] + values[1:])
    in_force = np.searchsorted(score.meters["onset_tick"], measures["onset_tick"], "right") - 1
    odd = np.flatnonzero(np.array(LENGTHS)[meters[in_force]] != measures["duration_tick"])
    stream.put(odd, 1, _FIRST["Length"] + measures["duration_tick"][odd] - 1)


def _put_chords(stream: _Stream, score: Score) -> None:
    """Chords, each behind the time since the one before it, or since the barline, where that is more than none."""
    onset = np.array([c.onset_tick for c in score.chords], np.int64)
    measure = score.measure_at(onset)
    position = onset - score.measures["onset_tick"][measure]
    opens = np.r_[True, np.diff(measure) > 0]
    since = position - np.where(opens, 0, np.r_[0, position[:-1]])
    rank = 4 + 3 * np.arange(len(onset))
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


def _put_notes(stream: _Stream, score: Score) -> None:
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


def _put_rests(stream: _Stream, events: Events, rank: NDArray[np.int64], duration: NDArray[np.int64]) -> None:
    rests = duration > 0
    stream.put(events.measure[rests], rank[rests], _FIRST["Rest"])
    stream.put(events.measure[rests], rank[rests] + 1, _FIRST["Duration"] + duration[rests] - 1)


def _put_pitches(stream: _Stream, score: Score, events: Events, rank: NDArray[np.int64]) -> None:
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
    signed = ~is_drum & (alter != signature_alter(step, _fifths(score, measure)))
    stream.put(measure[signed], place[signed], _FIRST["Sign"] + alter[signed] + 2)


def _fifths(score: Score, measure: NDArray[np.int64]) -> NDArray[np.int64]:
    """Signature in force in measures, 0 where there is none."""
    if not len(score.keys):
        return np.zeros(len(measure), np.int64)
    index = np.searchsorted(score.keys["onset_tick"], score.measures["onset_tick"][measure], "right") - 1
    return score.keys["fifths"][np.maximum(index, 0)].astype(np.int64)


def signature_alter(step: NDArray[np.int64], fifths: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Alteration that a signature gives to steps."""
    natural = (2 * step + 1) % 7 - 1
    return (np.asarray(fifths) + 5 - natural) // 7
