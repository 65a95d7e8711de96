"""Scores to `remi` tokens and back, vectorised over all notes of a piece.

    BOS Style Meter Key Tempo Bars [OpensMidway] [EndsMidway] Instrument+ [WithChords]
    then for each measure
    Bar [Meter] [Length] [Key] [Tempo] ([Position] Chord [Bass])* segment*
    and EOS.

A segment is one part's notes in one measure: its instrument, then groups of notes that share onset, duration and
velocity: `[Position] [Velocity] Release+ Pitch+`. Positions and releases count from the barline, so that whoever reads
the last token knows where in the bar it stands and need not add up durations. A group without a position starts where
the one before ends, the first one at the barline: a melody costs two tokens a note, a chord of three four. `Bar_n`
counts down: n measures follow. Where several parts play one instrument, a segment repeats its instrument token once
for each earlier such part that rests in this measure.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.representations.base import Ints
from partimento.representations.remi.vocabulary import (
    CHORD_KINDS,
    GRID,
    KEYS,
    MAX_BARS,
    MAX_COUNTDOWN,
    MAX_RELEASE,
    METERS,
    STYLES,
    TEMPOS_BPM,
    VELOCITIES,
    Vocabulary,
)
from partimento.score import KEY, MEASURE, METER, NOTE, TEMPO, ChordEvent, Part, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.instrument import DRUMS, instrument_name
from partimento.theory.key import NO_MODE, Key
from partimento.theory.pitch import UNSPELLED, pitch_class
from partimento.theory.spelling import spell

_METER_INDEX = {(meter.beats, meter.beat_type): index for index, meter in enumerate(METERS)}
_KEY_INDEX = {None if key is None else (key.fifths, key.mode_id): index for index, key in enumerate(KEYS)}
_TEMPO_INDEX = {tempo: index for index, tempo in enumerate(TEMPOS_BPM)}
_KIND_INDEX = {kind: index for index, kind in enumerate(CHORD_KINDS)}
_VELOCITIES = np.array(VELOCITIES, np.uint8)
_METER_STEPS = np.array([int(meter.duration_quarter * GRID) for meter in METERS])


class _Stream:
    """Tokens gathered in any order, each with its place: (measure, note index or −1, rank)."""

    def __init__(self) -> None:
        self._keys: list[NDArray[np.int64]] = []
        self._tokens: list[NDArray[np.int64]] = []

    def put(
        self,
        measure: NDArray[np.int64],
        note: NDArray[np.int64] | int,
        rank: NDArray[np.int64] | int,
        token: NDArray[np.int64],
    ) -> None:
        self._keys.append((measure << 44) + ((np.asarray(note) + 1) << 12) + rank)
        self._tokens.append(token)

    def sorted(self) -> tuple[Ints, NDArray[np.int64]]:
        """All tokens in order, and the measure of each."""
        keys = np.concatenate(self._keys)
        order = np.argsort(keys, kind="stable")
        return np.concatenate(self._tokens)[order].astype(np.int32), keys[order] >> 44


def encode_header(score: Score, task: Task, vocabulary: Vocabulary) -> Ints:
    """BOS and the plan of a quantised score, shape (h,)."""
    first = vocabulary.first
    meter = (int(score.meters["beats"][0]), int(score.meters["beat_type"][0]))
    key = (int(score.keys["fifths"][0]), int(score.keys["mode"][0])) if len(score.keys) else None
    tempo = int(score.tempos["tempo_bpm"][0]) if len(score.tempos) else None
    style = score.tags[0] if score.tags else STYLES[0]
    ids = [
        first["BOS"],
        first["Style"] + STYLES.index(style),
        first["Meter"] + _METER_INDEX[meter],
        first["Key"] + _KEY_INDEX[key],
        first["Tempo"] + _TEMPO_INDEX[tempo],
        first["Bars"] + len(score.measures) - 1,
        *([first["Opens"]] if task.opens_midway else []),
        *([first["Ends"]] if task.ends_midway else []),
        *(first["Instrument"] + (DRUMS if part.is_drums else part.program) for part in score.parts),
        *([first["Chords"]] if score.chords else []),
    ]
    return np.array(ids, np.int32)


def encode_body(score: Score, vocabulary: Vocabulary) -> tuple[Ints, NDArray[np.int64]]:
    """The measures of a quantised score as tokens, without EOS, and the measure of each token, both shape (t,)."""
    stream = _Stream()
    _put_measures(stream, score, vocabulary)
    if score.chords:
        _put_chords(stream, score, vocabulary)
    if len(score.notes):
        _put_notes(stream, score, vocabulary)
    return stream.sorted()


def _put_measures(stream: _Stream, score: Score, vocabulary: Vocabulary) -> None:
    first, measures = vocabulary.first, score.measures
    index = np.arange(len(measures))
    stream.put(index, -1, 0, first["Bar"] + np.minimum(len(measures) - 1 - index, MAX_COUNTDOWN - 1))
    columns = {
        "Meter": (
            score.meters,
            np.array([_METER_INDEX[row] for row in score.meters[["beats", "beat_type"]].tolist()], np.int64),
        ),
        "Key": (score.keys, np.array([_KEY_INDEX[row] for row in score.keys[["fifths", "mode"]].tolist()], np.int64)),
        "Tempo": (score.tempos, np.array([_TEMPO_INDEX[int(t)] for t in score.tempos["tempo_bpm"]], np.int64)),
    }
    for rank, (block, (events, values)) in zip((1, 3, 4), columns.items(), strict=True):
        at = np.searchsorted(measures["onset_tick"], events["onset_tick"][1:])
        stream.put(at, -1, rank, first[block] + values[1:])
    meters, values = columns["Meter"]
    nominal = _METER_STEPS[values[np.searchsorted(meters["onset_tick"], measures["onset_tick"], "right") - 1]]
    odd = np.flatnonzero(nominal != measures["duration_tick"])
    stream.put(odd, -1, 2, first["Length"] + measures["duration_tick"][odd] - 1)


def _put_chords(stream: _Stream, score: Score, vocabulary: Vocabulary) -> None:
    first = vocabulary.first
    onset = np.array([c.onset_tick for c in score.chords], np.int64)
    measure = score.measure_at(onset)
    position = onset - score.measures["onset_tick"][measure]
    opens = np.r_[True, np.diff(measure) > 0]
    ordinal = np.arange(len(onset)) - np.maximum.accumulate(np.where(opens, np.arange(len(onset)), 0))
    rank = 5 + 3 * ordinal
    placed = ~(opens & (position == 0))
    stream.put(measure[placed], -1, rank[placed], first["Position"] + position[placed])
    chord = [
        0 if c.symbol is None else 1 + pitch_class(c.symbol.root) * len(CHORD_KINDS) + _KIND_INDEX[c.symbol.kind]
        for c in score.chords
    ]
    stream.put(measure, -1, rank + 1, first["Chord"] + np.array(chord, np.int64))
    bass = np.array(
        [-1 if c.symbol is None or c.symbol.bass is None else pitch_class(c.symbol.bass) for c in score.chords],
        np.int64,
    )
    inverted = bass >= 0
    stream.put(measure[inverted], -1, rank[inverted] + 2, first["Bass"] + bass[inverted])


def _put_notes(stream: _Stream, score: Score, vocabulary: Vocabulary) -> None:
    first = vocabulary.first
    measure = score.measure_at(score.notes["onset_tick"])
    notes = score.notes
    order = np.lexsort(
        (notes["pitch"], notes["velocity"], -notes["duration_tick"], notes["onset_tick"], notes["part"], measure)
    )
    notes, measure = notes.take(order), measure[order]
    part, duration = notes["part"].astype(np.int64), notes["duration_tick"]
    onset = notes["onset_tick"] - score.measures["onset_tick"][measure]
    index = np.arange(len(notes))

    opens_segment = np.r_[True, (np.diff(measure) != 0) | (np.diff(part) != 0)]
    changed = (np.diff(onset) != 0) | (np.diff(duration) != 0) | (np.diff(notes["velocity"].astype(np.int64)) != 0)
    opens_group = opens_segment | np.r_[True, changed]
    _put_instruments(stream, score, vocabulary, measure[opens_segment], part[opens_segment], index[opens_segment])

    group = index[opens_group]
    expected = np.where(opens_segment[group], 0, np.r_[0, (onset + duration)[group][:-1]])
    placed = group[onset[group] != expected]
    stream.put(measure[placed], placed, 1000, first["Position"] + onset[placed])
    if vocabulary.size["Velocity"]:
        stream.put(measure[group], group, 1001, first["Velocity"] + notes["velocity"][group].astype(np.int64) // 4)
    whole, rest = np.divmod((onset + duration)[group] - 1, MAX_RELEASE)
    long = np.repeat(group, whole)
    stream.put(measure[long], long, 1002, np.full(len(long), first["Release"] + MAX_RELEASE - 1))
    stream.put(measure[group], group, 1003, first["Release"] + rest)
    is_drum = np.array([p.is_drums for p in score.parts], bool)[part]
    stream.put(measure, index, 1004, np.where(is_drum, first["Drum"], first["Pitch"]) + notes["pitch"])


def _put_instruments(
    stream: _Stream,
    score: Score,
    vocabulary: Vocabulary,
    measure: NDArray[np.int64],
    part: NDArray[np.int64],
    note: NDArray[np.int64],
) -> None:
    """Instrument tokens of segments, repeated for parts of the same instrument that rest in the measure."""
    programs, ranks = ranked_programs(score.parts)
    program, rank = programs[part], ranks[part]
    order = np.lexsort((part, program, measure))
    same = (np.diff(measure[order]) == 0) & (np.diff(program[order]) == 0)
    before = np.full(len(part), -1)
    before[order[1:]] = np.where(same, rank[order[:-1]], -1)
    times = rank - before
    token = np.repeat(vocabulary.first["Instrument"] + program, times)
    stream.put(np.repeat(measure, times), np.repeat(note, times), 0, token)


def ranked_programs(parts: tuple[Part, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Program (128: drums) of each part, and how many earlier parts share it; both shape (parts,)."""
    programs = [DRUMS if part.is_drums else part.program for part in parts]
    seen: Counter[int] = Counter()
    ranks = []
    for program in programs:
        ranks.append(seen[program])
        seen[program] += 1
    return np.array(programs, np.int64), np.array(ranks, np.int64)


def decode(ids: Ints, vocabulary: Vocabulary) -> Score:
    """The score of header and body tokens; a prefix gives what is complete in it."""
    bars = np.flatnonzero(_in(ids, vocabulary, "Bar"))
    header, body = (ids[: bars[0]], ids[bars[0] :]) if len(bars) else (ids, ids[:0])
    parts = tuple(_part(program) for program in _members(header, vocabulary, "Instrument").tolist())
    style = _members(header, vocabulary, "Style")
    tags = (STYLES[style[0]],) if len(style) and style[0] else ()
    if not len(bars):
        return Score(GRID, parts, tags=tags)
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
        GRID,
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


def _members(ids: Ints, vocabulary: Vocabulary, block: str) -> NDArray[np.int64]:
    """Indices within their block of those ids that belong to it."""
    return ids[_in(ids, vocabulary, block)].astype(np.int64) - vocabulary.first[block]


def _part(program: int) -> Part:
    is_drums = program == DRUMS
    return Part(instrument_name(program), 0 if is_drums else program, is_drums)


def _header_then_body(
    header: Ints, body: Ints, measure: NDArray[np.int64], vocabulary: Vocabulary, block: str
) -> list[tuple[int, int]]:
    """(measure, member) of a block's tokens: the header's counts from measure 0."""
    inside = _in(body, vocabulary, block)
    changes = zip(measure[inside].tolist(), _members(body, vocabulary, block).tolist(), strict=True)
    return [(0, member) for member in _members(header, vocabulary, block).tolist()] + list(changes)


def _decode_measures(
    body: Ints, measure: NDArray[np.int64], meters: list[tuple[int, int]], vocabulary: Vocabulary
) -> NDArray[np.void]:
    durations = np.zeros(measure[-1] + 1, np.int64)
    for at, meter in meters:
        durations[at:] = _METER_STEPS[meter]
    durations[measure[_in(body, vocabulary, "Length")]] = _members(body, vocabulary, "Length") + 1
    measures = np.zeros(len(durations), MEASURE)
    measures["duration_tick"] = durations
    measures["onset_tick"] = np.cumsum(durations) - durations
    return measures


def _decode_chords(
    body: Ints, measure: NDArray[np.int64], starts: NDArray[np.int64], keys: NDArray[np.void], vocabulary: Vocabulary
) -> tuple[ChordEvent, ...]:
    at = np.flatnonzero(_in(body, vocabulary, "Chord"))
    if not len(at):
        return ()
    is_position, is_bass = _in(body, vocabulary, "Position"), _in(body, vocabulary, "Bass")
    position = np.where(is_position[at - 1], body[at - 1] - vocabulary.first["Position"], 0)
    onset = starts[measure[at]] + position
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


def _key_at(keys: NDArray[np.void], onset: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
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
    measure: NDArray[np.int64],
    starts: NDArray[np.int64],
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
    stated = body[before] - vocabulary.first["Position"]
    is_placed = _in(body[before], vocabulary, "Position")
    opens = _in(body[before], vocabulary, "Instrument")
    onset = np.where(is_placed, stated, np.where(opens, 0, np.r_[0, release[:-1]]))
    duration = release - onset
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


def _group_releases(
    body: Ints, at: NDArray[np.int64], stated: NDArray[np.int64], vocabulary: Vocabulary
) -> NDArray[np.int64]:
    """Release of each group within its measure: the sum of its Release tokens, which stand at `stated`."""
    releases = (body[stated] - vocabulary.first["Release"] + 1).astype(np.int64)
    return releases if len(stated) == len(at) else np.add.reduceat(releases, np.searchsorted(stated, at))


def _group_parts(
    body: Ints, measure: NDArray[np.int64], groups: NDArray[np.int64], parts: tuple[Part, ...], vocabulary: Vocabulary
) -> NDArray[np.int64]:
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


__all__ = ["MAX_BARS", "decode", "encode_body", "encode_header", "ranked_programs"]
