"""Scores to `remi` tokens, vectorised over all notes of a piece.

    BOS Style Meter Key Tempo Bars [OpensMidway] [EndsMidway] (Instrument [Mask])+ [WithChords]
    then for each measure
    Bar [Meter] [Length] [Key] [Tempo] ([Position] Chord [Bass])* [Mask] segment*
    and EOS, or, where something is to be filled in,
    Fill (Bar segment*)+ EOS.

A segment is one part's notes in one measure: its instrument, then groups of notes that share onset, duration and
velocity: `[Position] [Shift] [Velocity] Release+ [Shift] Pitch+`. Positions and releases count from the barline, so
that whoever reads the last token knows where in the bar it stands and need not add up durations. A group without a
position starts where the one before ends, the first one at the barline: a melody costs two tokens a note, a chord of
three four. With microtiming, `Shift_n` says by how many parts of a step an onset or a release is off the grid. `Bar_n`
counts down: n measures follow. Where several parts play one instrument, a segment repeats its instrument token once
for each earlier such part that rests in this measure.

To be filled in are the parts marked `Mask` in the header, in the measures marked so. Behind `Fill` these measures
follow with these parts alone; what the context has said of meter, length, key, tempo and chords is not said again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partimento.plan import Task
from partimento.representations.base import Encoded, Ints, Longs, Mask
from partimento.representations.gridded.encoding import CHORDS, Opening, Stream, countdown, opening_members, put_changes
from partimento.representations.gridded.vocabulary import STYLES
from partimento.representations.remi.infill import Gap
from partimento.representations.remi.vocabulary import MAX_RELEASE, Vocabulary, chord_index, shift_index
from partimento.score import ChordEvent, Part, Score
from partimento.theory.pitch import pitch_class

_LAST_RANK = 4095


def encode(score: Score, task: Task, vocabulary: Vocabulary, gap: Gap | None = None) -> Encoded:
    """Header and measures of a quantised score; where a gap is to be filled, what it holds is the target."""
    header, eos = encode_header(score, task, vocabulary, gap), vocabulary.span("EOS")[:1]
    if gap is None:
        return Encoded(header, _joined(encode_body(score, vocabulary)[0], eos))
    given, _ = encode_body(gap.given, vocabulary, gap.bars)
    written = _encode_written(gap, vocabulary)
    return Encoded(_joined(header, given, vocabulary.span("Fill")[:1]), _joined(written, eos))


def _joined(*tokens: Ints | tuple[int, ...]) -> Ints:
    return np.concatenate([np.asarray(some, np.int32) for some in tokens])


def encode_header(score: Score, task: Task, vocabulary: Vocabulary, gap: Gap | None = None) -> Ints:
    """BOS and the plan of a quantised score, shape (h,)."""
    opening, written = opening_members(score)[0], () if gap is None else gap.parts
    return header_ids(score, opening, len(score.measures), bool(score.chords), task, vocabulary, written)


def header_ids(
    score: Score,
    opening: Opening,
    bars: int,
    has_chords: bool,
    task: Task,
    vocabulary: Vocabulary,
    written: Collection[int] = (),
) -> Ints:
    """BOS and a plan, shape (h,): style and parts are those of the score, the `written` ones are masked."""
    first, (meter, key, tempo) = vocabulary.first, opening
    style = score.tags[0] if score.tags else STYLES[0]
    instruments = list[int]()
    for index, part in enumerate(score.parts):
        instruments.append(first["Instrument"] + part.instrument)
        if index in written:
            instruments.append(first["Mask"])
    ids = [
        first["BOS"],
        first["Style"] + STYLES.index(style),
        first["Meter"] + meter,
        first["Key"] + key,
        first["Tempo"] + tempo,
        first["Bars"] + bars - 1,
        *vocabulary.midway(task),
        *instruments,
        *([first["Chords"]] if has_chords else []),
    ]
    return np.array(ids, np.int32)


def chord_ids(chord: ChordEvent, vocabulary: Vocabulary) -> list[int]:
    """A chord symbol, without its position."""
    symbol, first = chord.symbol, vocabulary.first
    bass = [] if symbol is None or symbol.bass is None else [first["Bass"] + pitch_class(symbol.bass)]
    return [first["Chord"] + chord_index(symbol), *bass]


def encode_body(score: Score, vocabulary: Vocabulary, masked: range = range(0)) -> tuple[Ints, Longs]:
    """The measures of a quantised score as tokens, without EOS, and the measure of each token, both shape (t,)."""
    stream = Stream()
    if masked:
        stream.put(np.array(masked, np.int64), _LAST_RANK, vocabulary.first["Mask"])
    _put_bars(stream, np.arange(len(score.measures)), len(score.measures), vocabulary)
    put_changes(stream, score, vocabulary)
    if score.chords:
        _put_chords(stream, score, vocabulary)
    if len(score.notes):
        _put_notes(stream, score, vocabulary)
    return stream.sorted()


def _encode_written(gap: Gap, vocabulary: Vocabulary) -> Ints:
    """What a gap holds: its measures and its parts' segments, nothing besides."""
    stream = Stream()
    _put_bars(stream, np.array(gap.bars, np.int64), len(gap.written.measures), vocabulary)
    if len(gap.written.notes):
        _put_notes(stream, gap.written, vocabulary)
    return stream.sorted()[0]


def _put_bars(stream: Stream, index: Longs, bars: int, vocabulary: Vocabulary) -> None:
    stream.put(index, 0, vocabulary.first["Bar"] + countdown(bars, index))


def _put_chords(stream: Stream, score: Score, vocabulary: Vocabulary) -> None:
    first = vocabulary.first
    onset = np.array([c.onset_tick for c in score.chords], np.int64)
    measure = score.measure_at(onset)
    position = (onset - score.measures["onset_tick"][measure]) // vocabulary.unit
    opens = np.concatenate(([True], np.diff(measure) > 0))
    ordinal = np.arange(len(onset)) - np.maximum.accumulate(np.where(opens, np.arange(len(onset)), 0))
    rank = CHORDS + 3 * ordinal
    placed = ~(opens & (position == 0))
    stream.put(measure[placed], rank[placed], first["Position"] + position[placed])
    symbols = [chord.symbol for chord in score.chords]
    chord = [chord_index(symbol) for symbol in symbols]
    stream.put(measure, rank + 1, first["Chord"] + np.array(chord, np.int64))
    bass = np.array([-1 if s is None or s.bass is None else pitch_class(s.bass) for s in symbols], np.int64)
    inverted = bass >= 0
    stream.put(measure[inverted], rank[inverted] + 2, first["Bass"] + bass[inverted])


def _put_notes(stream: Stream, score: Score, vocabulary: Vocabulary) -> None:
    first = vocabulary.first
    measure = score.measure_at(score.notes["onset_tick"])
    notes = score.notes
    order = _order(score, measure)
    notes, measure = notes.take(order), measure[order]
    part, duration = notes["part"].astype(np.int64), notes["duration_tick"]
    onset = notes["onset_tick"] - score.measures["onset_tick"][measure]
    index = np.arange(len(notes))

    opens_segment = _changes(measure, part)
    opens_group = opens_segment | _changes(onset, duration, notes["velocity"])
    _put_instruments(stream, score, vocabulary, measure[opens_segment], part[opens_segment], index[opens_segment])

    group = index[opens_group]
    at = measure[group]
    last = score.measures["duration_tick"][at] // vocabulary.unit - 1
    position = np.minimum(_nearest_step(onset[group], vocabulary), last)
    release = np.maximum(_nearest_step((onset + duration)[group], vocabulary), position + 1)
    expected = np.where(opens_segment[group], 0, np.concatenate(([0], release[:-1])))
    placed = position != expected
    stream.put(at[placed], _rank(group[placed], 1000), first["Position"] + position[placed])
    _put_shifts(stream, at, group, 1001, onset[group] - position * vocabulary.unit, vocabulary)
    if vocabulary.size["Velocity"]:
        stream.put(at, _rank(group, 1002), first["Velocity"] + notes["velocity"][group].astype(np.int64) // 4)
    whole, rest = np.divmod(release - 1, MAX_RELEASE)
    stream.put(np.repeat(at, whole), _rank(np.repeat(group, whole), 1003), first["Release"] + MAX_RELEASE - 1)
    stream.put(at, _rank(group, 1004), first["Release"] + rest)
    _put_shifts(stream, at, group, 1005, (onset + duration)[group] - release * vocabulary.unit, vocabulary)
    is_drum = np.array([p.is_drums for p in score.parts], bool)[part]
    stream.put(measure, _rank(index, _LAST_RANK), np.where(is_drum, first["Drum"], first["Pitch"]) + notes["pitch"])


def _changes(*columns: NDArray[Any]) -> Mask:
    """Where one of some columns has another value than in the row before; true in the first row."""
    changed = np.ones(len(columns[0]), bool)
    changed[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return changed


def _order(score: Score, measure: Longs) -> Longs:
    """Notes by measure, part, onset, duration (the longest first), velocity and pitch; one key sorts quickest."""
    notes, onset = score.notes, score.notes["onset_tick"] - score.measures["onset_tick"][measure]
    duration = notes["duration_tick"]
    place = (measure * len(score.parts) + notes["part"]) * (int(onset.max()) + 1) + onset
    shape = ((int(duration.max()) - duration) << 16) + (notes["velocity"].astype(np.int64) << 8) + notes["pitch"]
    bits = int(shape.max()).bit_length()
    if bits + int(place.max()).bit_length() > 63:
        return np.lexsort((shape, place))
    return np.argsort((place << bits) + shape, kind="stable")


def _rank(note: Longs, rank: int) -> Longs:
    """Ranks in the measure of what stands before a note, or is it."""
    return ((note + 1) << 12) + rank


def _nearest_step(tick: Longs, vocabulary: Vocabulary) -> Longs:
    return (tick + vocabulary.unit // 2) // vocabulary.unit


def _put_shifts(stream: Stream, measure: Longs, group: Longs, rank: int, shift: Longs, vocabulary: Vocabulary) -> None:
    """Deviations from the grid, where there are any."""
    off = np.flatnonzero(shift)
    stream.put(measure[off], _rank(group[off], rank), vocabulary.first["Shift"] + shift_index(shift[off]))


def _put_instruments(
    stream: Stream,
    score: Score,
    vocabulary: Vocabulary,
    measure: Longs,
    part: Longs,
    note: Longs,
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
    stream.put(np.repeat(measure, times), _rank(np.repeat(note, times), 0), token)


def ranked_programs(parts: tuple[Part, ...]) -> tuple[Longs, Longs]:
    """Program (128: drums) of each part, and how many earlier parts share it; both shape (parts,)."""
    programs = [part.instrument for part in parts]
    seen: Counter[int] = Counter()
    ranks = []
    for program in programs:
        ranks.append(seen[program])
        seen[program] += 1
    return np.array(programs, np.int64), np.array(ranks, np.int64)
