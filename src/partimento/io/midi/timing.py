"""Meters, keys and tempos of a score from what the tracks of a MIDI file state.

Tracks often say the same thing several times, or contradict each other at one tick. One statement counts; those
beside it have no effect and are left out, so that a later change of the score cannot bring them to life.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from partimento.io.midi.bars import MeterRow
from partimento.io.midi.metas import Statement
from partimento.io.midi.signs import beats_per_minute
from partimento.score import KEY, TEMPO, Records

_GRID = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1])
_GRID_TOLERANCE = 1 / 48
"""In quarters; a quarter of all random onsets lie within it."""
_GRID_SHARE = 0.6
"""Music has beats if at least this share of its onsets lies on the grid."""


def meter_rows(statements: list[Statement]) -> list[MeterRow]:
    """Changes of meter, with the usual 4/4 at tick 0 if another one is only stated later."""
    counting = _last_at_each_tick(statements)
    rows: list[MeterRow] = [(0, 4, 4)] if counting and counting[0].tick > 0 else []
    for statement in counting:
        beats, beat_type = statement.value
        if not rows or rows[-1][1:] != (beats, beat_type):
            rows.append((statement.tick, beats, beat_type))
    return rows


def is_on_grid(notes: Records, ticks_per_quarter: int) -> bool:
    """Whether notes seem to keep to the beats that ticks make."""
    phase = notes["onset_tick"] % ticks_per_quarter / ticks_per_quarter
    distance = np.abs(phase[:, None] - _GRID).min(axis=1)
    return bool((distance <= _GRID_TOLERANCE).mean() >= _GRID_SHARE)


def tempo_records(statements: list[Statement]) -> Records:
    """The tempo map; of several tempos at one tick the last counts."""
    return np.array([(s.tick, beats_per_minute(s.value[0])) for s in _last_at_each_tick(statements)], TEMPO)


def key_records(statements: list[Statement]) -> Records:
    """The key that most tracks state at a tick; drum tracks often say C major where others know better."""
    counts = Counter((s.tick, *s.value) for s in statements)
    best = {tick: (fifths, minor) for _, (tick, fifths, minor) in sorted((n, key) for key, n in counts.items())}
    return np.array([(tick, -1, *best[tick]) for tick in sorted(best)], KEY)


def _last_at_each_tick(statements: list[Statement]) -> list[Statement]:
    ordered = sorted(statements, key=lambda statement: statement.tick)
    return list({statement.tick: statement for statement in ordered}.values())
