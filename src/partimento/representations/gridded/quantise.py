"""A score on a grid of twelve steps to a quarter, its notes on a finer one if wanted."""

from __future__ import annotations

import numpy as np

from partimento.errors import NeedsBeats
from partimento.representations.base import Longs, Loss, Losses, Mask
from partimento.representations.blocks import VELOCITIES, velocity_members
from partimento.representations.gridded.vocabulary import GRID, MAX_BAR, METERS, STYLES, TEMPOS_BPM
from partimento.score import KEY, MEASURE, METER, TEMPO, ChordEvent, Part, Records, Score
from partimento.theory.chord import ChordSymbol
from partimento.theory.key import Key
from partimento.theory.pitch import UNSPELLED, pitch_class
from partimento.theory.spelling import spell

_SAYABLE_METERS = {(meter.beats, meter.beat_type) for meter in METERS}
_FALLBACK_METER = (4, 4)
_MINOR = Key(0, "minor").mode_id


def quantise(score: Score, name: str, velocities: bool = False, unit: int = 1) -> tuple[Score, Losses]:
    """The score that tokens on the grid stand for, with `unit` ticks to a grid step, and what they leave out.

    Onsets and releases go to the nearest tick, at most half a tick away; measures and chords to the nearest step. Keys
    and tempi change at barlines only; measures longer than sixteen quarters are divided; grace notes and all notation
    beyond pitch and duration are dropped; spelling follows the key.

    Raises:
        NeedsBeats: the score has no measures; `name` is the representation's.
    """
    if not len(score.measures):
        raise NeedsBeats(f"this music has no meter, and {name} counts in bars; amt and performance do not")
    sounding = score.sounding().split_programs()
    measures = _measures(sounding)
    end = int(measures["onset_tick"][-1] + measures["duration_tick"][-1])
    keys = _keys(sounding, measures)
    parts = tuple(Part.playing(part.instrument) for part in sounding.parts)
    notes, losses = _notes(sounding, velocities, end * unit, unit)
    quantised = Score(
        GRID * unit,
        parts,
        notes=_spelled(notes, _in_ticks(keys, unit), parts),
        measures=_in_ticks(measures, unit),
        meters=_in_ticks(_meters(sounding, measures), unit),
        keys=_in_ticks(keys, unit),
        tempos=_in_ticks(_tempos(sounding, measures), unit),
        chords=_chords(sounding, keys, end, unit),
        tags=tuple(tag for tag in sounding.tags if tag in STYLES[1:])[:1],
    )
    return quantised, losses


def _in_ticks(records: Records, unit: int) -> Records:
    """Records whose times are counted in grid steps, in ticks."""
    if unit == 1:
        return records
    scaled = records.copy()
    for name in {"onset_tick", "duration_tick"} & set(records.dtype.names or ()):
        scaled[name] *= unit
    return scaled


def steps(ticks: Longs, ticks_per_quarter: int, unit: int = 1) -> Longs:
    """Nearest of `unit` parts of a grid step, halves upwards."""
    return (2 * GRID * unit * ticks + ticks_per_quarter) // (2 * ticks_per_quarter)


def _measures(score: Score) -> Records:
    last = score.measures[-1]
    edges = np.append(score.measures["onset_tick"], last["onset_tick"] + last["duration_tick"])
    starts = np.unique(steps(edges, score.ticks_per_quarter))
    if len(starts) == 1:
        starts = np.append(starts, starts[0] + 1)
    pieces = -(-np.diff(starts) // MAX_BAR)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    measures = np.empty(len(number), MEASURE)
    measures["onset_tick"] = onset = np.repeat(starts[:-1], pieces) + MAX_BAR * number
    measures["duration_tick"] = np.minimum(np.repeat(starts[1:], pieces) - onset, MAX_BAR)
    return measures


def _notes(score: Score, velocities: bool, end: int, unit: int) -> tuple[Records, Losses]:
    notes = score.notes.copy()
    onset = steps(notes["onset_tick"], score.ticks_per_quarter, unit)
    release = steps(notes["onset_tick"] + notes["duration_tick"], score.ticks_per_quarter, unit)
    notes["onset_tick"], notes["duration_tick"] = onset, np.maximum(release - onset, 1)
    notes["velocity"] = np.array(VELOCITIES)[velocity_members(notes["velocity"])] if velocities else 0
    notes["voice"] = notes["staff"] = 0
    is_grace = notes["grace"] > 0
    is_late = ~is_grace & (onset >= end)
    is_double = ~is_grace & ~is_late
    is_double[is_double] = doubled(notes.take(np.flatnonzero(is_double)))
    reasons = (
        (is_grace, "grace note"),
        (is_late, "note behind the last barline"),
        (is_double, "note that another doubles"),
    )
    losses = tuple(Loss(what, note_id) for mask, what in reasons for note_id in notes["note_id"][mask].tolist())
    return notes.take(np.flatnonzero(~(is_grace | is_late | is_double))), losses


def doubled(notes: Records) -> Mask:
    """Which notes equal another one in part, onset, duration and pitch; the loudest of them is not marked."""
    struck = np.sort((notes["onset_tick"] << 24) + (notes["part"].astype(np.int64) << 8) + notes["pitch"])
    if not (struck[1:] == struck[:-1]).any():  # mostly nothing is struck twice at once, and that is soon seen
        return np.zeros(len(notes), bool)
    same_by = ("onset_tick", "part", "duration_tick", "pitch")
    order = np.lexsort([notes[n] for n in ("note_id", "velocity", *same_by)])
    same = np.ones(max(len(order) - 1, 0), bool)
    for name in same_by:
        same &= notes[name][order][1:] == notes[name][order][:-1]
    doubled = np.zeros(len(notes), bool)
    doubled[order[:-1][same]] = True
    return doubled


def _in_force(onsets: Longs, at: Longs) -> Longs:
    """Index of the last event at or before each tick; the first event holds before it too."""
    return np.maximum(np.searchsorted(onsets, at, "right") - 1, 0)


def _changes(rows: list[tuple[int, ...]], dtype: np.dtype[np.void]) -> Records:
    """Rows (tick, value …), one per measure, without those that repeat the one before."""
    kept = [row for index, row in enumerate(rows) if index == 0 or row[1:] != rows[index - 1][1:]]
    return np.array(kept, dtype)


def _source_ticks(score: Score, measures: Records) -> Longs:
    """Last source tick that belongs to each quantised measure's onset."""
    return ((2 * measures["onset_tick"] + 1) * score.ticks_per_quarter - 1) // (2 * GRID)


def _where_new(score: Score, events: Records, measures: Records) -> tuple[Longs, Records]:
    """Measures that begin under another event than the one before, and the indices of these events."""
    index = _in_force(events["onset_tick"], _source_ticks(score, measures))
    is_new = np.append(True, index[1:] != index[:-1])
    return index[is_new], measures[is_new]


def _meters(score: Score, measures: Records) -> Records:
    index, measures = _where_new(score, score.meters, measures)
    rows, current = [], _FALLBACK_METER
    for onset, beats, beat_type in zip(
        measures["onset_tick"].tolist(),
        score.meters["beats"][index].tolist(),
        score.meters["beat_type"][index].tolist(),
        strict=True,
    ):
        current = (beats, beat_type) if (beats, beat_type) in _SAYABLE_METERS else current
        rows.append((onset, *current))
    return _changes(rows, METER)


def _keys(score: Score, measures: Records) -> Records:
    if not len(score.keys):
        return np.empty(0, KEY)
    keys = score.keys[score.keys["part"] == score.keys["part"].min()]
    index, measures = _where_new(score, keys, measures)
    fifths = (
        (keys["fifths"][index].astype(np.int64) + 7) % 12
        - 7
        + 12 * (keys["fifths"][index] > 4) * (keys["fifths"][index] <= 7)
    )
    columns = (measures["onset_tick"], np.full(len(index), -1), fifths, keys["mode"][index])
    return _changes(list(zip(*(c.tolist() for c in columns), strict=True)), KEY)


def _tempos(score: Score, measures: Records) -> Records:
    if not len(score.tempos):
        return np.empty(0, TEMPO)
    index, measures = _where_new(score, score.tempos, measures)
    sayable = np.array(TEMPOS_BPM[1:])
    nearest = np.abs(score.tempos["tempo_bpm"][index][:, None] - sayable).argmin(axis=1)
    return _changes(list(zip(measures["onset_tick"].tolist(), sayable[nearest].tolist(), strict=True)), TEMPO)


def signatures_at(keys: Records, onsets: Longs) -> tuple[Longs, Mask]:
    """Signature, and whether the key is minor, at each onset; shape (1,) where it is the same for all."""
    if not len(keys):
        return np.zeros(1, np.int64), np.zeros(1, bool)
    index = _in_force(keys["onset_tick"], onsets if len(keys) > 1 else keys["onset_tick"])
    return keys["fifths"][index].astype(np.int64), keys["mode"][index] == _MINOR


def _spelled(notes: Records, keys: Records, parts: tuple[Part, ...]) -> Records:
    fifths, minor = signatures_at(keys, notes["onset_tick"])
    is_drum = np.array([part.is_drums for part in parts], bool)[notes["part"]]
    notes["spelling"] = np.where(is_drum, UNSPELLED, spell(notes["pitch"], fifths, minor))
    return notes


def _chords(score: Score, keys: Records, end: int, unit: int) -> tuple[ChordEvent, ...]:
    onsets = steps(np.array([c.onset_tick for c in score.chords], np.int64), score.ticks_per_quarter)
    last = dict(zip(onsets.tolist(), (c.symbol for c in score.chords), strict=True))
    fifths, minor = (np.broadcast_to(v, len(last)) for v in signatures_at(keys, np.array(list(last), np.int64)))
    return tuple(
        ChordEvent(step * unit, symbol and _respelled(symbol.plain, int(key), bool(is_minor)))
        for (step, symbol), key, is_minor in zip(last.items(), fifths, minor, strict=True)
        if step < end
    )


def _respelled(symbol: ChordSymbol, fifths: int, minor: bool) -> ChordSymbol:
    tones = [pitch_class(symbol.root if tone is None else tone) for tone in (symbol.root, symbol.bass)]
    root, bass = spell(np.array(tones), fifths, minor).tolist()
    return ChordSymbol(root, symbol.kind, None if bass == root else bass)
