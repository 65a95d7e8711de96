"""`abc` tokens to scores, vectorised; any prefix that the grammar accepts gives what is complete in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.representations.abc.encode import signature_alter
from partimento.representations.abc.vocabulary import CHORDS, LOWEST_OCTAVE, ROOTS, V
from partimento.representations.base import Ints, Longs, Mask
from partimento.representations.gridded.decoding import frame
from partimento.representations.gridded.quantise import signatures_at
from partimento.score import NOTE, ChordEvent, Records, Score
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol

_NATURAL = np.array(pitch.STEP_PITCH_CLASSES)


def decode(ids: Ints) -> Score:
    """The score of header and body tokens."""
    keys = np.flatnonzero(V.inside(ids, "Key"))
    cut = int(keys[0]) + 1 if len(keys) else len(ids)
    header, body = ids[:cut], ids[cut:]
    body = body[: len(body) - int(V.inside(body, "END").sum() + V.inside(body, "PAD").sum())]
    bars = V.inside(body, "Bar").astype(np.int64)
    measure = np.cumsum(bars) - bars
    score = frame(header, body, measure, V)
    starts = score.measures["onset_tick"]
    return replace(score, notes=_notes(body, measure, starts, score.keys), chords=_chords(body, measure, starts))


def _times(body: Ints, resets: Mask) -> tuple[Longs, Longs]:
    """Onset and duration in steps of what each token belongs to, counted in DUR tokens since the last reset."""
    duration = np.where(V.inside(body, "Duration"), body.astype(np.int64) - V.first["Duration"] + 1, 0)
    before = np.cumsum(duration) - duration
    reset = np.maximum.accumulate(np.where(resets, np.arange(len(body)), 0))
    return before - before[reset], duration


def _chords(body: Ints, measure: Longs, starts: Longs) -> tuple[ChordEvent, ...]:
    at = np.flatnonzero(V.inside(body, "Chord"))
    if not len(at):
        return ()
    position, _ = _times(body, np.r_[True, np.diff(measure) > 0])
    follower = np.append(body, 0)[at + 1]
    bass = np.where(V.inside(follower, "Bass"), follower - V.first["Bass"], -1)
    onset = starts[measure[at]] + position[at]
    events = zip(onset.tolist(), (body[at] - V.first["Chord"]).tolist(), bass.tolist(), strict=True)
    return tuple(ChordEvent(tick, _symbol(CHORDS[chord], low)) for tick, chord, low in events)


def _symbol(chord: ChordSymbol | None, bass: int) -> ChordSymbol | None:
    if chord is None or bass < 0:
        return chord
    return ChordSymbol(chord.root, chord.kind, ROOTS[bass])


def _notes(body: Ints, measure: Longs, starts: Longs, keys: Records) -> Records:
    """Notes whose duration is stated, those that are tied as one."""
    is_note = V.inside(body, "Note") | V.inside(body, "Drum")
    stops = np.flatnonzero(V.inside(body, "Duration"))
    at = np.flatnonzero(is_note)
    at = at[: np.searchsorted(at, stops[-1])] if len(stops) else at[:0]
    if not len(at):
        return np.empty(0, NOTE)
    ends = stops[np.searchsorted(stops, at)]
    position, duration = _times(body, V.inside(body, "Voice") | V.inside(body, "Overlay"))
    voices = np.flatnonzero(V.inside(body, "Voice"))
    voice = voices[np.searchsorted(voices, at) - 1]
    notes = np.zeros(len(at), NOTE)
    notes["onset_tick"] = starts[measure[at]] + position[ends]
    notes["duration_tick"] = duration[ends]
    notes["part"] = body[voice] - V.first["Voice"]
    notes["pitch"], notes["spelling"] = _pitches(body, at, signatures_at(keys, starts[measure[at]])[0])
    notes["tied"] = np.append(body, 0)[ends + 1] == V.first["Tie"]
    return _merged(notes)


def _pitches(body: Ints, at: Longs, fifths: Longs) -> tuple[Longs, Longs]:
    """MIDI number and spelling of the note tokens at places of the body."""
    index = body[at].astype(np.int64) - V.first["Note"]
    is_drum = V.inside(body[at], "Drum")
    octave, step = np.divmod(index, 7)
    sign = body[at - 1]
    alter = np.where(V.inside(sign, "Sign"), sign - V.first["Sign"] - 2, signature_alter(step, fifths))
    number = 12 * (octave + LOWEST_OCTAVE + 1) + _NATURAL[step] + alter
    spelling = np.asarray(pitch.spelling(step, alter))  # type: ignore[arg-type]
    drum = body[at].astype(np.int64) - V.first["Drum"]
    return np.where(is_drum, drum, number), np.where(is_drum, pitch.UNSPELLED, spelling)


def _merged(notes: Records) -> Records:
    """Each chain of tied notes as one; no two notes of a part sound one pitch at the same time."""
    notes = notes.take(np.lexsort([notes[name] for name in ("onset_tick", "pitch", "part")]))
    end = notes["onset_tick"] + notes["duration_tick"]
    goes_on = notes["tied"][:-1] & (notes["onset_tick"][1:] == end[:-1])
    for name in ("part", "pitch"):
        goes_on &= notes[name][1:] == notes[name][:-1]
    head = np.flatnonzero(np.r_[True, ~goes_on])
    merged = notes.take(head)
    merged["duration_tick"] = end[np.r_[head[1:] - 1, len(notes) - 1]] - merged["onset_tick"]
    merged["tied"] = False
    merged["note_id"] = np.arange(len(merged))
    return merged
