"""`remi` tokens to scores, vectorised over all notes of a piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partimento.representations.base import Ints
from partimento.representations.remi.encoding import ranked_programs
from partimento.representations.remi.vocabulary import (
    CHORD_KINDS,
    GRID,
    KEYS,
    METERS,
    SHIFTS,
    STYLES,
    TEMPOS_BPM,
    VELOCITIES,
    Ints64,
    Vocabulary,
)
from partimento.score import KEY, MEASURE, METER, NOTE, TEMPO, ChordEvent, Part, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, instrument_name
from partimento.theory.key import NO_MODE, Key
from partimento.theory.pitch import UNSPELLED
from partimento.theory.spelling import spell

_VELOCITIES = np.array(VELOCITIES, np.uint8)
_METER_STEPS = np.array([int(meter.duration_quarter * GRID) for meter in METERS])


def decode(ids: Ints, vocabulary: Vocabulary) -> Score:
    """The score of header and measures, what is filled in included; a prefix gives what is complete in it."""
    if not vocabulary.size["Mask"]:
        return _decode_piece(ids, vocabulary)
    ends = np.flatnonzero(_in(ids, vocabulary, "Fill"))
    end = int(ends[0]) if len(ends) else len(ids)
    given, written = ids[:end], ids[end:]
    is_mask = _in(given, vocabulary, "Mask")
    score = _decode_piece(given[~is_mask], vocabulary)
    if not _in(written, vocabulary, "Bar").any():
        return score
    measure = np.cumsum(_in(given, vocabulary, "Bar"))[is_mask] - 1
    parts = np.cumsum(_in(given, vocabulary, "Instrument"))[is_mask][measure < 0] - 1
    return _filled(score, written, measure[measure >= 0], parts, vocabulary)


def _filled(score: Score, written: Ints, measures: Ints64, parts: Ints64, vocabulary: Vocabulary) -> Score:
    """The score with the notes that tokens behind `Fill` say of some of its measures and parts."""
    bars = np.flatnonzero(_in(written, vocabulary, "Bar"))
    measure = np.repeat(measures[: len(bars)], np.diff(bars, append=len(written)))
    players = tuple(score.parts[part] for part in parts)
    notes = _decode_notes(written[bars[0] :], measure, score.measures["onset_tick"], players, score.keys, vocabulary)
    notes["part"] = parts[notes["part"]]
    whole = np.concatenate([score.notes, notes])
    whole["note_id"] = np.arange(len(whole))
    return replace(score, notes=whole)


def _decode_piece(ids: Ints, vocabulary: Vocabulary) -> Score:
    """The score of header and measures."""
    bars = np.flatnonzero(_in(ids, vocabulary, "Bar"))
    header, body = (ids[: bars[0]], ids[bars[0] :]) if len(bars) else (ids, ids[:0])
    parts = tuple(_part(program) for program in _members(header, vocabulary, "Instrument").tolist())
    style = _members(header, vocabulary, "Style")
    tags = (STYLES[style[0]],) if len(style) and style[0] else ()
    if not len(bars):
        return Score(vocabulary.ticks_per_quarter, parts, tags=tags)
    measure = np.repeat(np.arange(len(bars)), np.diff(bars, append=len(ids)))
    rare = np.flatnonzero(body < vocabulary.first["Position"])
    changes, changed = body[rare], measure[rare]
    meters = _header_then_body(header, changes, changed, vocabulary, "Meter")
    measures = _decode_measures(changes, changed, meters, vocabulary)
    starts = measures["onset_tick"]
    keys = [
        (starts[at], -1, *_KEY_ROWS[k]) for at, k in _header_then_body(header, changes, changed, vocabulary, "Key") if k
    ]
    tempos = [
        (starts[at], TEMPOS_BPM[t]) for at, t in _header_then_body(header, changes, changed, vocabulary, "Tempo") if t
    ]
    key_records = np.array(keys, KEY)
    return Score(
        vocabulary.ticks_per_quarter,
        parts,
        notes=_decode_notes(body, measure, starts, parts, key_records, vocabulary),
        measures=measures,
        meters=np.array([(starts[at], METERS[m].beats, METERS[m].beat_type) for at, m in meters], METER),
        keys=key_records,
        tempos=np.array(tempos, TEMPO),
        chords=_decode_chords(body, measure, starts, key_records, vocabulary),
        tags=tags,
    )


_KEY_ROWS = [(0, NO_MODE) if key is None else (key.fifths, key.mode_id) for key in KEYS]


def _in(ids: Ints, vocabulary: Vocabulary, block: str) -> NDArray[np.bool_]:
    low, high = vocabulary.span(block)
    return (ids >= low) & (ids < high)


def _members(ids: Ints, vocabulary: Vocabulary, block: str) -> Ints64:
    """Indices within their block of those ids that belong to it."""
    return ids[_in(ids, vocabulary, block)].astype(np.int64) - vocabulary.first[block]


def _part(program: int) -> Part:
    is_drums = program == DRUMS
    return Part(instrument_name(program), 0 if is_drums else program, is_drums)


def _header_then_body(
    header: Ints, body: Ints, measure: Ints64, vocabulary: Vocabulary, block: str
) -> list[tuple[int, int]]:
    """(measure, member) of a block's tokens: the header's counts from measure 0."""
    inside = _in(body, vocabulary, block)
    changes = zip(measure[inside].tolist(), _members(body, vocabulary, block).tolist(), strict=True)
    return [(0, member) for member in _members(header, vocabulary, block).tolist()] + list(changes)


def _decode_measures(
    body: Ints, measure: Ints64, meters: list[tuple[int, int]], vocabulary: Vocabulary
) -> NDArray[np.void]:
    durations = np.zeros(measure[-1] + 1, np.int64)
    for at, meter in meters:
        durations[at:] = _METER_STEPS[meter]
    durations[measure[_in(body, vocabulary, "Length")]] = _members(body, vocabulary, "Length") + 1
    durations *= vocabulary.unit
    measures = np.zeros(len(durations), MEASURE)
    measures["duration_tick"] = durations
    measures["onset_tick"] = np.cumsum(durations) - durations
    return measures


def _decode_chords(
    body: Ints, measure: Ints64, starts: Ints64, keys: NDArray[np.void], vocabulary: Vocabulary
) -> tuple[ChordEvent, ...]:
    at = np.flatnonzero(_in(body, vocabulary, "Chord"))
    if not len(at):
        return ()
    is_position, is_bass = _in(body, vocabulary, "Position"), _in(body, vocabulary, "Bass")
    position = np.where(is_position[at - 1], body[at - 1] - vocabulary.first["Position"], 0)
    onset = starts[measure[at]] + position * vocabulary.unit
    follower = body[np.minimum(at + 1, len(body) - 1)]
    bass = np.where(is_bass[np.minimum(at + 1, len(body) - 1)], follower - vocabulary.first["Bass"], -1)
    root, kind = np.divmod(body[at] - vocabulary.first["Chord"] - 1, len(CHORD_KINDS))
    fifths, minor = _key_at(keys, onset)
    roots, basses = spell(root, fifths, minor), spell(bass, fifths, minor)
    is_none = body[at] == vocabulary.first["Chord"]
    return tuple(
        ChordEvent(
            int(o), None if none else ChordSymbol(int(r), CHORD_KINDS[k], int(bs) if b >= 0 and bs != r else None)
        )
        for o, none, r, k, b, bs in zip(onset, is_none, roots, kind, bass, basses, strict=True)
    )


def _key_at(keys: NDArray[np.void], onset: Ints64) -> tuple[Ints64, NDArray[np.bool_]]:
    """Signature, and whether the key is minor, at each onset; shape (1,) where it is the same for all."""
    if not len(keys):
        return np.zeros(1, np.int64), np.zeros(1, bool)
    index = (
        np.maximum(np.searchsorted(keys["onset_tick"], onset, "right") - 1, 0)
        if len(keys) > 1
        else np.zeros(1, np.int64)
    )
    return keys["fifths"][index].astype(np.int64), keys["mode"][index] == Key(0, "minor").mode_id


def _decode_notes(
    body: Ints,
    measure: Ints64,
    starts: Ints64,
    parts: tuple[Part, ...],
    keys: NDArray[np.void],
    vocabulary: Vocabulary,
) -> NDArray[np.void]:
    # a group is opened by a run of Release tokens; what its notes share is found once and repeated for them
    is_release = _in(body, vocabulary, "Release")
    at = np.flatnonzero(is_release[1:] & ~is_release[:-1]) + 1
    is_note = body >= vocabulary.first["Pitch"]
    token = np.flatnonzero(is_note)
    if not len(token):
        return np.empty(0, NOTE)
    count = np.add.reduceat(is_note, at, dtype=np.int64)
    release = _group_releases(body, at, np.flatnonzero(is_release), vocabulary)
    before = at - (2 if vocabulary.size["Velocity"] else 1)
    shift = _shifts(body, before, vocabulary)
    before -= shift != 0
    stated = body[before] - vocabulary.first["Position"]
    is_placed = _in(body[before], vocabulary, "Position")
    opens = _in(body[before], vocabulary, "Instrument")
    onset = np.where(is_placed, stated, np.where(opens, 0, np.r_[0, release[:-1]])) * vocabulary.unit + shift
    behind = np.flatnonzero(is_release & ~np.r_[is_release[1:], False]) + 1
    duration = release * vocabulary.unit + _shifts(body, np.minimum(behind, len(body) - 1), vocabulary) - onset
    onset += starts[measure[at]]
    part = _group_parts(body, measure, at, parts, vocabulary)

    notes = np.zeros(len(token), NOTE)
    notes["onset_tick"] = np.repeat(onset, count)
    notes["duration_tick"] = np.repeat(duration, count)
    notes["part"] = np.repeat(part, count)
    if vocabulary.size["Velocity"]:
        notes["velocity"] = np.repeat(_VELOCITIES[body[at - 1] - vocabulary.first["Velocity"]], count)
    sounded = body[token]
    is_drum = sounded >= vocabulary.first["Drum"]
    pitch = sounded - np.where(is_drum, vocabulary.first["Drum"], vocabulary.first["Pitch"])
    fifths, minor = _key_at(keys, notes["onset_tick"])
    notes["pitch"] = pitch
    notes["spelling"] = np.where(is_drum, UNSPELLED, spell(pitch, fifths, minor))
    notes["note_id"] = np.arange(len(notes))
    return notes


def _shifts(body: Ints, at: Ints64, vocabulary: Vocabulary) -> Ints64:
    """Deviations from the grid that tokens at some places state; 0 where they are others."""
    if vocabulary.unit == 1:
        return np.zeros(len(at), np.int64)
    index = np.clip(body[at] - vocabulary.first["Shift"], 0, len(SHIFTS) - 1)
    return np.where(_in(body[at], vocabulary, "Shift"), np.array(SHIFTS)[index], 0)


def _group_releases(body: Ints, at: Ints64, stated: Ints64, vocabulary: Vocabulary) -> Ints64:
    """Release of each group within its measure: the sum of its Release tokens, which stand at `stated`."""
    releases = (body[stated] - vocabulary.first["Release"] + 1).astype(np.int64)
    return releases if len(stated) == len(at) else np.add.reduceat(releases, np.searchsorted(stated, at))


def _group_parts(
    body: Ints, measure: Ints64, groups: Ints64, parts: tuple[Part, ...], vocabulary: Vocabulary
) -> Ints64:
    """Part of each group, shape (g,): the n-th token of an instrument in a measure is its n-th part."""
    at = np.flatnonzero(_in(body, vocabulary, "Instrument"))
    program, bar = body[at] - vocabulary.first["Instrument"], measure[at]
    order = np.lexsort((program, bar))
    opens = np.r_[True, (np.diff(bar[order]) != 0) | (np.diff(program[order]) != 0)]
    rank = np.empty(len(at), np.int64)
    rank[order] = np.arange(len(at)) - np.maximum.accumulate(np.where(opens, np.arange(len(at)), 0))
    programs, ranks = ranked_programs(parts)
    lookup = np.zeros((DRUMS + 1, len(parts) + 1), np.int64)
    lookup[programs, ranks] = np.arange(len(parts))
    part = lookup[program, np.minimum(rank, len(parts))]
    return np.repeat(part, np.diff(np.searchsorted(groups, at), append=len(groups)))
