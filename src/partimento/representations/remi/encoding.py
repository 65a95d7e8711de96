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

import numpy as np

from partimento.plan import Task
from partimento.representations.base import Encoded, Ints
from partimento.representations.remi.infill import Gap
from partimento.representations.remi.vocabulary import (
    GRID,
    KEYS,
    MAX_COUNTDOWN,
    MAX_RELEASE,
    METERS,
    STYLES,
    TEMPOS_BPM,
    Ints64,
    Vocabulary,
    chord_member,
    shift_index,
)
from partimento.score import ChordEvent, Part, Score
from partimento.theory.instrument import DRUMS
from partimento.theory.pitch import pitch_class

_METER_INDEX = {(meter.beats, meter.beat_type): index for index, meter in enumerate(METERS)}
_KEY_INDEX = {None if key is None else (key.fifths, key.mode_id): index for index, key in enumerate(KEYS)}
_TEMPO_INDEX = {tempo: index for index, tempo in enumerate(TEMPOS_BPM)}
_METER_STEPS = np.array([int(meter.duration_quarter * GRID) for meter in METERS])


_LAST_RANK = 4095


class _Stream:
    """Tokens gathered in any order, each with its place: (measure, note index or −1, rank)."""

    def __init__(self) -> None:
        self._keys: list[Ints64] = []
        self._tokens: list[Ints64] = []

    def put(
        self,
        measure: Ints64,
        note: Ints64 | int,
        rank: Ints64 | int,
        token: Ints64,
    ) -> None:
        self._keys.append((measure << 44) + ((np.asarray(note) + 1) << 12) + rank)
        self._tokens.append(token)

    def sorted(self) -> tuple[Ints, Ints64]:
        """All tokens in order, and the measure of each."""
        keys = np.concatenate(self._keys)
        order = np.argsort(keys, kind="stable")
        return np.concatenate(self._tokens)[order].astype(np.int32), keys[order] >> 44


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


Opening = tuple[int, int, int]
"""Meter, key and tempo, as members of their blocks."""


def opening_members(score: Score) -> list[Opening]:
    """What holds at the beginning of each measure of a quantised score."""
    members = _members(score)
    columns = list[list[int]]()
    for events, values in ((score.meters, members[0]), (score.keys, members[1]), (score.tempos, members[2])):
        at = np.searchsorted(events["onset_tick"], score.measures["onset_tick"], "right") - 1
        columns.append(values[at].tolist() if len(values) else [0] * len(score.measures))
    return list(zip(*columns, strict=True))


def _members(score: Score) -> tuple[Ints64, Ints64, Ints64]:
    """Meters, keys and tempi as members of their blocks."""
    return (
        np.array([_METER_INDEX[row] for row in score.meters[["beats", "beat_type"]].tolist()], np.int64),
        np.array([_KEY_INDEX[row] for row in score.keys[["fifths", "mode"]].tolist()], np.int64),
        np.array([_TEMPO_INDEX[int(t)] for t in score.tempos["tempo_bpm"].tolist()], np.int64),
    )


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
    ids = [
        first["BOS"],
        first["Style"] + STYLES.index(style),
        first["Meter"] + meter,
        first["Key"] + key,
        first["Tempo"] + tempo,
        first["Bars"] + bars - 1,
        *([first["Opens"]] if task.opens_midway else []),
        *([first["Ends"]] if task.ends_midway else []),
        *(
            token
            for index, part in enumerate(score.parts)
            for token in (
                first["Instrument"] + (DRUMS if part.is_drums else part.program),
                *([first["Mask"]] if index in written else []),
            )
        ),
        *([first["Chords"]] if has_chords else []),
    ]
    return np.array(ids, np.int32)


def chord_ids(chord: ChordEvent, vocabulary: Vocabulary) -> list[int]:
    """A chord symbol, without its position."""
    symbol, first = chord.symbol, vocabulary.first
    bass = [] if symbol is None or symbol.bass is None else [first["Bass"] + pitch_class(symbol.bass)]
    return [first["Chord"] + chord_member(symbol), *bass]


def encode_body(score: Score, vocabulary: Vocabulary, masked: range = range(0)) -> tuple[Ints, Ints64]:
    """The measures of a quantised score as tokens, without EOS, and the measure of each token, both shape (t,)."""
    stream = _Stream()
    bars = np.array(masked, np.int64)
    stream.put(bars, -1, _LAST_RANK, np.full(len(bars), vocabulary.first["Mask"]))
    _put_measures(stream, score, vocabulary)
    if score.chords:
        _put_chords(stream, score, vocabulary)
    if len(score.notes):
        _put_notes(stream, score, vocabulary)
    return stream.sorted()


def _encode_written(gap: Gap, vocabulary: Vocabulary) -> Ints:
    """What a gap holds: its measures and its parts' segments, nothing besides."""
    stream = _Stream()
    _put_bars(stream, np.array(gap.bars, np.int64), len(gap.written.measures), vocabulary)
    if len(gap.written.notes):
        _put_notes(stream, gap.written, vocabulary)
    return stream.sorted()[0]


def _put_bars(stream: _Stream, index: Ints64, bars: int, vocabulary: Vocabulary) -> None:
    stream.put(index, -1, 0, vocabulary.first["Bar"] + np.minimum(bars - 1 - index, MAX_COUNTDOWN - 1))


def _put_measures(stream: _Stream, score: Score, vocabulary: Vocabulary) -> None:
    first, measures = vocabulary.first, score.measures
    _put_bars(stream, np.arange(len(measures)), len(measures), vocabulary)
    meters, keys, tempos = _members(score)
    changes = (("Meter", score.meters, meters), ("Key", score.keys, keys), ("Tempo", score.tempos, tempos))
    for rank, (block, events, values) in zip((1, 3, 4), changes, strict=True):
        if len(values) > 1:
            at = np.searchsorted(measures["onset_tick"], events["onset_tick"][1:])
            stream.put(at, -1, rank, first[block] + values[1:])
    nominal = _METER_STEPS[meters[np.searchsorted(score.meters["onset_tick"], measures["onset_tick"], "right") - 1]]
    steps = measures["duration_tick"] // vocabulary.unit
    odd = np.flatnonzero(nominal != steps)
    stream.put(odd, -1, 2, first["Length"] + steps[odd] - 1)


def _put_chords(stream: _Stream, score: Score, vocabulary: Vocabulary) -> None:
    first = vocabulary.first
    onset = np.array([c.onset_tick for c in score.chords], np.int64)
    measure = score.measure_at(onset)
    position = (onset - score.measures["onset_tick"][measure]) // vocabulary.unit
    opens = np.concatenate(([True], np.diff(measure) > 0))
    ordinal = np.arange(len(onset)) - np.maximum.accumulate(np.where(opens, np.arange(len(onset)), 0))
    rank = 5 + 3 * ordinal
    placed = ~(opens & (position == 0))
    stream.put(measure[placed], -1, rank[placed], first["Position"] + position[placed])
    chord = [chord_member(c.symbol) for c in score.chords]
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
    order = _order(score, measure)
    notes, measure = notes.take(order), measure[order]
    part, duration = notes["part"].astype(np.int64), notes["duration_tick"]
    onset = notes["onset_tick"] - score.measures["onset_tick"][measure]
    index = np.arange(len(notes))

    opens_segment = np.concatenate(([True], (np.diff(measure) != 0) | (np.diff(part) != 0)))
    changed = (np.diff(onset) != 0) | (np.diff(duration) != 0) | (np.diff(notes["velocity"].astype(np.int64)) != 0)
    opens_group = opens_segment | np.concatenate(([True], changed))
    _put_instruments(stream, score, vocabulary, measure[opens_segment], part[opens_segment], index[opens_segment])

    group = index[opens_group]
    at = measure[group]
    last = score.measures["duration_tick"][at] // vocabulary.unit - 1
    position = np.minimum(_nearest_step(onset[group], vocabulary), last)
    release = np.maximum(_nearest_step((onset + duration)[group], vocabulary), position + 1)
    expected = np.where(opens_segment[group], 0, np.concatenate(([0], release[:-1])))
    placed = position != expected
    stream.put(at[placed], group[placed], 1000, first["Position"] + position[placed])
    _put_shifts(stream, at, group, 1001, onset[group] - position * vocabulary.unit, vocabulary)
    if vocabulary.size["Velocity"]:
        stream.put(at, group, 1002, first["Velocity"] + notes["velocity"][group].astype(np.int64) // 4)
    whole, rest = np.divmod(release - 1, MAX_RELEASE)
    stream.put(
        np.repeat(at, whole), np.repeat(group, whole), 1003, np.full(whole.sum(), first["Release"] + MAX_RELEASE - 1)
    )
    stream.put(at, group, 1004, first["Release"] + rest)
    _put_shifts(stream, at, group, 1005, (onset + duration)[group] - release * vocabulary.unit, vocabulary)
    is_drum = np.array([p.is_drums for p in score.parts], bool)[part]
    stream.put(measure, index, _LAST_RANK, np.where(is_drum, first["Drum"], first["Pitch"]) + notes["pitch"])


def _order(score: Score, measure: Ints64) -> Ints64:
    """Notes by measure, part, onset, duration (the longest first), velocity and pitch; two keys sort quickly."""
    notes, onset = score.notes, score.notes["onset_tick"] - score.measures["onset_tick"][measure]
    place = (((measure << 15) + notes["part"]) << 24) + onset
    shape = (-notes["duration_tick"] << 16) + (notes["velocity"].astype(np.int64) << 8) + notes["pitch"]
    return np.lexsort((shape, place))


def _nearest_step(tick: Ints64, vocabulary: Vocabulary) -> Ints64:
    return (tick + vocabulary.unit // 2) // vocabulary.unit


def _put_shifts(
    stream: _Stream, measure: Ints64, group: Ints64, rank: int, shift: Ints64, vocabulary: Vocabulary
) -> None:
    """Deviations from the grid, where there are any."""
    off = np.flatnonzero(shift)
    stream.put(measure[off], group[off], rank, vocabulary.first["Shift"] + shift_index(shift[off]))


def _put_instruments(
    stream: _Stream,
    score: Score,
    vocabulary: Vocabulary,
    measure: Ints64,
    part: Ints64,
    note: Ints64,
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


def ranked_programs(parts: tuple[Part, ...]) -> tuple[Ints64, Ints64]:
    """Program (128: drums) of each part, and how many earlier parts share it; both shape (parts,)."""
    programs = [DRUMS if part.is_drums else part.program for part in parts]
    seen: Counter[int] = Counter()
    ranks = []
    for program in programs:
        ranks.append(seen[program])
        seen[program] += 1
    return np.array(programs, np.int64), np.array(ranks, np.int64)
