"""`remi` tokens to scores, vectorised over all notes of a piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.representations.base import Ints, Longs
from partimento.representations.blocks import CHORD_KINDS, VELOCITIES
from partimento.representations.gridded.decoding import frame
from partimento.representations.gridded.quantise import signatures_at
from partimento.representations.remi.encoding import ranked_programs
from partimento.representations.remi.vocabulary import SHIFTS, Vocabulary
from partimento.score import NOTE, ChordEvent, Part, Records, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS
from partimento.theory.pitch import UNSPELLED
from partimento.theory.spelling import spell

_VELOCITIES = np.array(VELOCITIES, np.uint8)


def decode(ids: Ints, vocabulary: Vocabulary) -> Score:
    """The score of header and measures, what is filled in included; a prefix gives what is complete in it."""
    if not vocabulary.size["Mask"]:
        return _decode_piece(ids, vocabulary)
    ends = np.flatnonzero(vocabulary.inside(ids, "Fill"))
    end = int(ends[0]) if len(ends) else len(ids)
    given, written = ids[:end], ids[end:]
    is_mask = vocabulary.inside(given, "Mask")
    score = _decode_piece(given[~is_mask], vocabulary)
    if not vocabulary.inside(written, "Bar").any():
        return score
    measure = np.cumsum(vocabulary.inside(given, "Bar"))[is_mask] - 1
    parts = np.cumsum(vocabulary.inside(given, "Instrument"))[is_mask][measure < 0] - 1
    return _filled(score, written, measure[measure >= 0], parts, vocabulary)


def _filled(score: Score, written: Ints, measures: Longs, parts: Longs, vocabulary: Vocabulary) -> Score:
    """The score with the notes that tokens behind `Fill` say of some of its measures and parts."""
    bars = np.flatnonzero(vocabulary.inside(written, "Bar"))
    measure = np.repeat(measures[: len(bars)], np.diff(bars, append=len(written)))
    players = tuple(score.parts[part] for part in parts)
    notes = _decode_notes(written[bars[0] :], measure, score.measures["onset_tick"], players, score.keys, vocabulary)
    notes["part"] = parts[notes["part"]]
    whole = np.concatenate([score.notes, notes])
    whole["note_id"] = np.arange(len(whole))
    return replace(score, notes=whole)


def _decode_piece(ids: Ints, vocabulary: Vocabulary) -> Score:
    """The score of header and measures."""
    bars = np.flatnonzero(vocabulary.inside(ids, "Bar"))
    header, body = (ids[: bars[0]], ids[bars[0] :]) if len(bars) else (ids, ids[:0])
    measure = np.repeat(np.arange(len(bars)), np.diff(bars, append=len(ids)))
    rare = np.flatnonzero(body < vocabulary.first["Position"])
    score = frame(header, body[rare], measure[rare], vocabulary)
    starts = score.measures["onset_tick"]
    return replace(
        score,
        notes=_decode_notes(body, measure, starts, score.parts, score.keys, vocabulary),
        chords=_decode_chords(body, measure, starts, score.keys, vocabulary),
    )


def _decode_chords(
    body: Ints, measure: Longs, starts: Longs, keys: Records, vocabulary: Vocabulary
) -> tuple[ChordEvent, ...]:
    at = np.flatnonzero(vocabulary.inside(body, "Chord"))
    if not len(at):
        return ()
    is_position, is_bass = vocabulary.inside(body, "Position"), vocabulary.inside(body, "Bass")
    position = np.where(is_position[at - 1], body[at - 1] - vocabulary.first["Position"], 0)
    onset = starts[measure[at]] + position * vocabulary.unit
    follower = body[np.minimum(at + 1, len(body) - 1)]
    bass = np.where(is_bass[np.minimum(at + 1, len(body) - 1)], follower - vocabulary.first["Bass"], -1)
    root, kind = np.divmod(body[at] - vocabulary.first["Chord"] - 1, len(CHORD_KINDS))
    fifths, minor = signatures_at(keys, onset)
    roots, basses = spell(root, fifths, minor), spell(bass, fifths, minor)
    is_none = body[at] == vocabulary.first["Chord"]
    return tuple(
        ChordEvent(
            int(o), None if none else ChordSymbol(int(r), CHORD_KINDS[k], int(bs) if b >= 0 and bs != r else None)
        )
        for o, none, r, k, b, bs in zip(onset, is_none, roots, kind, bass, basses, strict=True)
    )


def _decode_notes(
    body: Ints,
    measure: Longs,
    starts: Longs,
    parts: tuple[Part, ...],
    keys: Records,
    vocabulary: Vocabulary,
) -> Records:
    # a group is opened by a run of Release tokens; what its notes share is found once and repeated for them
    is_release = vocabulary.inside(body, "Release")
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
    is_placed = vocabulary.inside(body[before], "Position")
    opens = vocabulary.inside(body[before], "Instrument")
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
    fifths, minor = signatures_at(keys, notes["onset_tick"])
    notes["pitch"] = pitch
    notes["spelling"] = np.where(is_drum, UNSPELLED, spell(pitch, fifths, minor))
    notes["note_id"] = np.arange(len(notes))
    return notes


def _shifts(body: Ints, at: Longs, vocabulary: Vocabulary) -> Longs:
    """Deviations from the grid that tokens at some places state; 0 where they are others."""
    if vocabulary.unit == 1:
        return np.zeros(len(at), np.int64)
    index = np.clip(body[at] - vocabulary.first["Shift"], 0, len(SHIFTS) - 1)
    return np.where(vocabulary.inside(body[at], "Shift"), np.array(SHIFTS)[index], 0)


def _group_releases(body: Ints, at: Longs, stated: Longs, vocabulary: Vocabulary) -> Longs:
    """Release of each group within its measure: the sum of its Release tokens, which stand at `stated`."""
    releases = (body[stated] - vocabulary.first["Release"] + 1).astype(np.int64)
    return releases if len(stated) == len(at) else np.add.reduceat(releases, np.searchsorted(stated, at))


def _group_parts(body: Ints, measure: Longs, groups: Longs, parts: tuple[Part, ...], vocabulary: Vocabulary) -> Longs:
    """Part of each group, shape (g,): the n-th token of an instrument in a measure is its n-th part."""
    at = np.flatnonzero(vocabulary.inside(body, "Instrument"))
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
