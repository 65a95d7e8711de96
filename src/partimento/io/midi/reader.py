"""Reads MIDI files: symusic where a file is regular, a parser of our own where it is not.

A part is what one track plays on one channel with one program. A file without a meter is taken to be in 4/4
if its notes lie on the beat grid, else it is a performance without bars. A single first bar in a shorter
meter is a pickup. Left out: lyrics and other texts, controllers but volume, pan and pedals, aftertouch.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import numpy as np

from partimento.errors import BadFile
from partimento.io.midi import fast, tolerant
from partimento.io.midi.chunks import find_chunks
from partimento.io.midi.events import PAN, PEDALS, VOLUME, Ints, RawFile, RawPart
from partimento.score import (
    BEND,
    CONTROL,
    KEY,
    METER,
    NOTE,
    TEMPO,
    Part,
    Records,
    Score,
    measures_from_meters,
)
from partimento.theory.meter import BEAT_TYPES
from partimento.theory.pitch import UNSPELLED

_log = logging.getLogger("partimento.io")
MAX_MEASURES = 100_000
MAX_QUARTERS = 1_000_000
MAX_PARTS = 1_000
_GRID = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])
_GRID_TOLERANCE = 1 / 48
"""In quarters; a quarter of all random onsets lie within it."""
_GRID_SHARE = 0.6
"""Music has beats if at least this share of its onsets lies on the grid."""


def read(data: bytes, name: str) -> tuple[Score, ...]:
    """The piece in a MIDI file; every track of a type 2 file is a piece of its own.

    Raises:
        BadFile: there is no MIDI in it, no note, or it is absurdly long.
    """
    chunks = find_chunks(data, name)
    raw = fast.parse(data, chunks) if chunks.is_regular else None
    raws = [raw] if raw is not None else tolerant.parse(data, chunks)
    warnings = [*chunks.warnings, *(text for raw in raws for text in raw.warnings)]
    if warnings:
        _log.warning("%s: %s", name, "; ".join(warnings[:5]))
    scores = tuple(_score(raw, name) for raw in raws if any(len(part.notes) for part in raw.parts))
    if not scores:
        raise BadFile(name, "no note in it")
    return scores


def _score(raw: RawFile, name: str) -> Score:
    if len(raw.parts) > MAX_PARTS:
        raise BadFile(name, f"{len(raw.parts)} parts; at most {MAX_PARTS} can be read")
    notes = _notes(raw.parts)
    end_tick = int((notes["onset_tick"] + notes["duration_tick"]).max())
    if end_tick > MAX_QUARTERS * raw.ticks_per_quarter:
        raise BadFile(name, f"it lasts {end_tick // raw.ticks_per_quarter} quarters; cut it before {MAX_QUARTERS}")
    meters, pickup_tick = _meters(raw, notes, end_tick, name)
    _guard_measures(meters, raw.ticks_per_quarter, end_tick, name)
    return Score(
        raw.ticks_per_quarter,
        tuple(_part(part) for part in raw.parts),
        notes,
        measures_from_meters(meters, raw.ticks_per_quarter, end_tick, pickup_tick) if len(meters) else [],  # type: ignore[arg-type]
        meters,
        _keys(raw, end_tick),
        _tempos(raw, end_tick, name),
        controls=_controls(raw.parts),
        bends=_bends(raw.parts),
        title=raw.title,
    )


def _part(raw: RawPart) -> Part:
    first = {number: value for _, number, value in raw.controls[::-1].tolist()}
    return Part(raw.name, raw.program, raw.is_drums, volume=first.get(VOLUME), pan=first.get(PAN))


def _notes(parts: list[RawPart]) -> Records:
    notes = np.zeros(sum(len(part.notes) for part in parts), NOTE)
    rows = np.concatenate([part.notes for part in parts])
    notes["onset_tick"], notes["pitch"], notes["velocity"] = rows[:, 0], rows[:, 2], rows[:, 3]
    notes["duration_tick"] = np.maximum(rows[:, 1], 1)
    notes["part"] = np.repeat(np.arange(len(parts)), [len(part.notes) for part in parts])
    notes["spelling"] = UNSPELLED
    notes["note_id"] = np.arange(len(notes))
    return notes


def _controls(parts: list[RawPart]) -> Records:
    rows = [
        (tick, index, number, value)
        for index, part in enumerate(parts)
        for tick, number, value in part.controls[np.isin(part.controls[:, 1], PEDALS)].tolist()
    ]
    return np.array(rows, CONTROL)


def _bends(parts: list[RawPart]) -> Records:
    rows = [(tick, index, value) for index, part in enumerate(parts) for tick, value in part.bends.tolist()]
    return np.array(rows, BEND)


# Meter, key, tempo


def _meters(raw: RawFile, notes: Records, end_tick: int, name: str) -> tuple[Records, int]:
    """Changes of meter up to the end, and the length of a pickup."""
    rows: list[tuple[int, int, int]] = []
    for tick, beats, beat_type in _by_tick(raw.meters, end_tick):
        if not 0 < beats < 100 or beat_type not in BEAT_TYPES:
            _log.warning("%s: meter %s/%s at tick %s is none and was left out", name, beats, beat_type, tick)
        elif not rows or rows[-1][1:] != (beats, beat_type):
            rows.append((tick, beats, beat_type))
    if raw.is_beatless or (not rows and not _is_on_grid(notes, raw.ticks_per_quarter)):
        return np.empty(0, METER), 0
    if not rows or rows[0][0] > 0:
        rows = [(0, 4, 4), *(rows[1:] if rows and rows[0][1:] == (4, 4) else rows)]
    return _fold_pickup(rows, raw.ticks_per_quarter)


def _fold_pickup(rows: list[tuple[int, int, int]], ticks_per_quarter: int) -> tuple[Records, int]:
    if len(rows) > 1:
        lengths = [4 * ticks_per_quarter * beats // beat_type for _, beats, beat_type in rows[:2]]
        if rows[1][0] == lengths[0] < lengths[1]:
            return np.array([(0, *rows[1][1:]), *rows[2:]], METER), lengths[0]
    return np.array(rows, METER), 0


def _is_on_grid(notes: Records, ticks_per_quarter: int) -> bool:
    phase = notes["onset_tick"] % ticks_per_quarter / ticks_per_quarter
    distance = np.abs(phase[:, None] - _GRID).min(axis=1)
    return bool((distance <= _GRID_TOLERANCE).mean() >= _GRID_SHARE)


def _guard_measures(meters: Records, ticks_per_quarter: int, end_tick: int, name: str) -> None:
    count = 0.0
    ends = [*meters["onset_tick"].tolist()[1:], end_tick]
    for (start, beats, beat_type), end in zip(meters.tolist(), ends, strict=True) if len(meters) else ():
        count += (end - start) / max(4 * ticks_per_quarter * beats / beat_type, 1)
    if count > MAX_MEASURES:
        raise BadFile(name, f"its meters make {count:.0f} bars; at most {MAX_MEASURES} can be read")


def _keys(raw: RawFile, end_tick: int) -> Records:
    """The key that most tracks state at a tick; drum tracks often say C major where others know better."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for tick, fifths, minor in raw.keys.tolist():
        if -7 <= fifths <= 7 and minor in (0, 1) and (tick == 0 or tick < end_tick):
            counts[tick, fifths, minor] += 1
    ranked = sorted((count, key) for key, count in counts.items())
    best = {tick: (fifths, minor) for _, (tick, fifths, minor) in ranked}
    return np.array([(tick, -1, *best[tick]) for tick in sorted(best)], KEY)


def _tempos(raw: RawFile, end_tick: int, name: str) -> Records:
    if raw.fixed_tempo_bpm is not None:
        return np.array([(0, raw.fixed_tempo_bpm)], TEMPO)
    rows: list[tuple[int, float]] = []
    for tick, microseconds in _by_tick(raw.tempos, end_tick):
        if microseconds < 1000:
            _log.warning("%s: a tempo of %s µs per quarter at tick %s was left out", name, microseconds, tick)
        else:
            rows.append((tick, _beats_per_minute(microseconds)))
    return np.array(rows, TEMPO)


def _beats_per_minute(microseconds: int) -> float:
    """The plainest number that is written with these microseconds again: 618557 is 97."""
    exact = 60e6 / microseconds
    plain = round(exact, 3)
    return plain if round(60e6 / plain) == microseconds else exact


def _by_tick(rows: Ints, end_tick: int) -> list[Any]:
    """Rows before the end in order of time; of several at one tick the last."""
    rows = rows[(rows[:, 0] == 0) | (rows[:, 0] < end_tick)]
    ordered = rows[np.argsort(rows[:, 0], kind="stable")].tolist()
    return list({row[0]: row for row in ordered}.values())
