"""Bars as the meters of a MIDI file make them, and the meters that a score's bars need in one.

MIDI has no barlines: they follow from the meters. A measure that is shorter or longer than its meter is therefore
said by a meter of its own that it fills; a single first bar in a shorter meter is read as a pickup.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from partimento.score import METER, Records, Score, measures_from_meters
from partimento.theory.meter import BEAT_TYPES, Meter

MeterRow = tuple[int, int, int]
"""Tick, beats, beat type."""


def is_meter(beats: int, beat_type: int) -> bool:
    """Whether there is such a meter."""
    return 0 < beats < 100 and beat_type in BEAT_TYPES


def without_pickup(rows: list[MeterRow], ticks_per_quarter: int) -> tuple[Records, int]:
    """Meters without the one that only a pickup has, and the pickup's length, 0 for none."""
    if len(rows) > 1:
        first, second = (Meter(*row[1:]).duration_quarter * ticks_per_quarter for row in rows[:2])
        if rows[1][0] == first < second:
            return np.array([(0, *rows[1][1:]), *rows[2:]], METER), int(first)
    return np.array(rows, METER), 0


def with_pickup(score: Score) -> list[MeterRow]:
    """The meters that make a score's bars; where that cannot be, bars that are nearly so."""
    rows = _changes(score.meters.tolist())
    if _makes(score, rows, 0):
        return rows
    length = int(score.measures["duration_tick"][0])
    filled = _filled(Fraction(length, 4 * score.ticks_per_quarter), rows[0][2])
    if score.has_pickup and filled and _makes(score, rows, length):
        return [(0, *filled), (length, *rows[0][1:]), *rows[1:]]
    return _filling(score)


def bars(meters: Records, ticks_per_quarter: int, note_end: int, track_end: int, pickup_tick: int) -> Records:
    """Bars that cover all notes, and behind them those that end before the tracks do."""
    measures = measures_from_meters(meters, ticks_per_quarter, max(note_end, track_end), pickup_tick)
    starts = measures["onset_tick"]
    if starts[-1] < note_end:
        return measures
    is_kept = (starts < note_end) | (starts + measures["duration_tick"] <= track_end)
    is_kept[0] = True
    return measures[is_kept]


def bar_count(meters: Records, ticks_per_quarter: int, end_tick: int) -> float:
    """About how many bars the meters make."""
    rows = meters.tolist()
    ends = [*(row[0] for row in rows[1:]), max(end_tick, rows[-1][0])]
    return sum(
        max((end - start) / max(4 * ticks_per_quarter * beats / beat_type, 1), 1)
        for (start, beats, beat_type), end in zip(rows, ends, strict=True)
    )


def _changes(rows: list[MeterRow]) -> list[MeterRow]:
    """Meters without those that say again what holds."""
    return [row for index, row in enumerate(rows) if not index or rows[index - 1][1:] != row[1:]]


def _makes(score: Score, rows: list[MeterRow], pickup_tick: int) -> bool:
    """Whether meters make the bars of a score."""
    last = score.measures[-1]
    end = int(last["onset_tick"] + last["duration_tick"])
    if rows[0][0] > 0 or (pickup_tick and len(rows) > 1 and rows[1][0] <= pickup_tick):
        return False
    made = measures_from_meters(np.array(rows, METER), score.ticks_per_quarter, end, pickup_tick)
    return np.array_equal(made[: len(score.measures)], score.measures)


def _filling(score: Score) -> list[MeterRow]:
    """The meter that each measure fills, where it changes."""
    rows: list[MeterRow] = []
    for tick, duration in score.measures.tolist():
        meter = score.meter_at(tick)
        beats, beat_type = meter.beats, meter.beat_type
        if duration != meter.duration_quarter * score.ticks_per_quarter:
            length = Fraction(duration, 4 * score.ticks_per_quarter)
            beats, beat_type = _filled(length, beat_type) or (beats, beat_type)
        rows.append((tick, beats, beat_type))
    return _changes(rows)


def _filled(length: Fraction, usual: int) -> tuple[int, int] | None:
    """The meter that a length of so many whole notes fills, in the usual beats if they divide it."""
    for beat_type in (usual, *BEAT_TYPES):
        beats = length * beat_type
        if beats.denominator == 1 and is_meter(int(beats), beat_type):
            return int(beats), beat_type
    return None
