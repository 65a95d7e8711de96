"""`abc` tokens to scores, vectorised; any prefix that the grammar accepts gives what is complete in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.representations.abc.encode import signature_alter
from partimento.representations.abc.vocabulary import CHORDS, LENGTHS, LOWEST_OCTAVE, ROOTS, build
from partimento.representations.base import Ints
from partimento.representations.remi.vocabulary import GRID, KEYS, METERS, STYLES, TEMPOS_BPM
from partimento.score import KEY, MEASURE, METER, NOTE, TEMPO, ChordEvent, Part, Records, Score
from partimento.theory import pitch
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, instrument_name

Array = NDArray[np.int64]
V = build()
_NATURAL = np.array(pitch.STEP_PITCH_CLASSES)


def decode(ids: Ints) -> Score:
    """The score of header and body tokens."""
    keys = np.flatnonzero(_in(ids, "Key"))
    cut = int(keys[0]) + 1 if len(keys) else len(ids)
    header, body = ids[:cut], ids[cut:]
    body = body[: len(body) - int(_in(body, "END").sum() + _in(body, "PAD").sum())]
    parts = tuple(_part(program) for program in _members(header, "Instrument").tolist())
    style = _members(header, "Style")
    tags = (STYLES[style[0]],) if len(style) and style[0] else ()
    if not len(body):
        return Score(GRID, parts, tags=tags)
    bars = _in(body, "Bar").astype(np.int64)
    measure = np.cumsum(bars) - bars
    stated = {block: _stated(header, body, measure, block) for block in ("Meter", "Key", "Tempo")}
    measures = _measures(body, measure, stated["Meter"])
    starts = measures["onset_tick"]
    return Score(
        GRID,
        parts,
        notes=_notes(body, measure, starts, parts, stated["Key"]),
        measures=measures,
        meters=np.array([(starts[at], METERS[m].beats, METERS[m].beat_type) for at, m in stated["Meter"]], METER),
        keys=np.array([(starts[at], -1, *_KEY_ROWS[k]) for at, k in stated["Key"] if k], KEY),
        tempos=np.array([(starts[at], TEMPOS_BPM[t]) for at, t in stated["Tempo"] if t], TEMPO),
        chords=_chords(body, measure, starts),
        tags=tags,
    )


_KEY_ROWS = [(0, 0) if key is None else (key.fifths, key.mode_id) for key in KEYS]


def _in(ids: Ints, block: str) -> NDArray[np.bool_]:
    low, high = V.span(block)
    return (ids >= low) & (ids < high)


def _members(ids: Ints, block: str) -> Array:
    """Indices within their block of those ids that belong to it."""
    return ids[_in(ids, block)].astype(np.int64) - V.first[block]


def _part(program: int) -> Part:
    is_drums = program == DRUMS
    return Part(instrument_name(program), 0 if is_drums else program, is_drums)


def _stated(header: Ints, body: Ints, measure: Array, block: str) -> list[tuple[int, int]]:
    """(measure, member) of a block's tokens: the header's counts from measure 0."""
    changes = zip(measure[_in(body, block)].tolist(), _members(body, block).tolist(), strict=True)
    return [(0, member) for member in _members(header, block).tolist()] + list(changes)


def _measures(body: Ints, measure: Array, meters: list[tuple[int, int]]) -> Records:
    durations = np.zeros(measure[-1] + 1, np.int64)
    for at, meter in meters:
        durations[at:] = LENGTHS[meter]
    durations[measure[_in(body, "Length")]] = _members(body, "Length") + 1
    measures = np.zeros(len(durations), MEASURE)
    measures["duration_tick"] = durations
    measures["onset_tick"] = np.cumsum(durations) - durations
    return measures


def _times(body: Ints, resets: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Onset and duration in steps of what each token belongs to, counted in DUR tokens since the last reset."""
    duration = np.where(_in(body, "Duration"), body.astype(np.int64) - V.first["Duration"] + 1, 0)
    before = np.cumsum(duration) - duration
    reset = np.maximum.accumulate(np.where(resets, np.arange(len(body)), 0))
    return before - before[reset], duration


def _chords(body: Ints, measure: Array, starts: Array) -> tuple[ChordEvent, ...]:
    at = np.flatnonzero(_in(body, "Chord"))
    if not len(at):
        return ()
    position, _ = _times(body, np.r_[True, np.diff(measure) > 0])
    follower = np.append(body, 0)[at + 1]
    bass = np.where(_in(follower, "Bass"), follower - V.first["Bass"], -1)
    onset = starts[measure[at]] + position[at]
    events = zip(onset.tolist(), (body[at] - V.first["Chord"]).tolist(), bass.tolist(), strict=True)
    return tuple(ChordEvent(tick, _symbol(CHORDS[chord], low)) for tick, chord, low in events)


def _symbol(chord: ChordSymbol | None, bass: int) -> ChordSymbol | None:
    if chord is None or bass < 0:
        return chord
    return ChordSymbol(chord.root, chord.kind, ROOTS[bass])


def _notes(body: Ints, measure: Array, starts: Array, parts: tuple[Part, ...], keys: list[tuple[int, int]]) -> Records:
    """Notes whose duration is stated, those that are tied as one."""
    is_note = _in(body, "Note") | _in(body, "Drum")
    stops = np.flatnonzero(_in(body, "Duration"))
    at = np.flatnonzero(is_note)
    at = at[: np.searchsorted(at, stops[-1])] if len(stops) else at[:0]
    if not len(at):
        return np.empty(0, NOTE)
    ends = stops[np.searchsorted(stops, at)]
    position, duration = _times(body, _in(body, "Voice") | _in(body, "Overlay"))
    voices = np.flatnonzero(_in(body, "Voice"))
    voice = voices[np.searchsorted(voices, at) - 1]
    notes = np.zeros(len(at), NOTE)
    notes["onset_tick"] = starts[measure[at]] + position[ends]
    notes["duration_tick"] = duration[ends]
    notes["part"] = body[voice] - V.first["Voice"]
    notes["pitch"], notes["spelling"] = _pitches(body, at, _fifths(measure[at], keys))
    notes["tied"] = np.append(body, 0)[ends + 1] == V.first["Tie"]
    return _merged(notes)


def _fifths(measure: Array, keys: list[tuple[int, int]]) -> Array:
    """Signature in force in measures."""
    index = np.searchsorted([at for at, _ in keys], measure, "right") - 1
    return np.array([_KEY_ROWS[key][0] for _, key in keys])[index]


def _pitches(body: Ints, at: Array, fifths: Array) -> tuple[Array, Array]:
    """MIDI number and spelling of the note tokens at places of the body."""
    index = body[at].astype(np.int64) - V.first["Note"]
    is_drum = _in(body[at], "Drum")
    octave, step = np.divmod(index, 7)
    sign = body[at - 1]
    alter = np.where(_in(sign, "Sign"), sign - V.first["Sign"] - 2, signature_alter(step, fifths))
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
