"""Bars for the music of models that know none: those of the plan that it was written to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from partimento.plan import Plan
from partimento.plan.plan import DEFAULT_METER
from partimento.score import KEY, MEASURE, METER, TEMPO, Score

_TICKS_PER_QUARTER = 480


def barred(score: Score, plan: Plan) -> Score:
    """Music in seconds, in bars of the plan's tempo and meter, in its key; as it is where bars stand or no tempo does.

    Notes sound when they did, to within a tick of 480 to a quarter.
    """
    if len(score.measures) or plan.tempo_bpm is None:
        return score
    meter = plan.meter or DEFAULT_METER
    bar = int(meter.duration_quarter * _TICKS_PER_QUARTER)
    ticks_per_second = plan.tempo_bpm / 60 * _TICKS_PER_QUARTER
    notes = score.notes.copy()
    onset = np.rint(score.seconds_at(notes["onset_tick"]) * ticks_per_second).astype(np.int64)
    end = np.rint(score.seconds_at(notes["onset_tick"] + notes["duration_tick"]) * ticks_per_second).astype(np.int64)
    notes["onset_tick"], notes["duration_tick"] = onset, np.maximum(end - onset, 1)
    count = max(plan.bars or 1, -(-int(end.max(initial=0)) // bar))
    return replace(
        score,
        ticks_per_quarter=_TICKS_PER_QUARTER,
        notes=notes,
        measures=np.array([(index * bar, bar) for index in range(count)], MEASURE),
        meters=np.array([(0, meter.beats, meter.beat_type)], METER),
        keys=np.array([(0, -1, plan.key.fifths, plan.key.mode_id)] if plan.key else [], KEY),
        tempos=np.array([(0, plan.tempo_bpm)], TEMPO),
    )
