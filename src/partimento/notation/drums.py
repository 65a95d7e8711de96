"""A drum staff: hands above, feet below, and strokes as long as the rhythm wants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partimento.score import Records, Score

_FEET = (35, 36, 44)
"""Bass drums and pedal hi-hat."""


def written_drums(notes: Records, score: Score) -> Records:
    """Drums in voice 1 (hands) and 2 (feet); a stroke lasts to the next one of its voice or the next beat."""
    notes = notes.copy()
    is_foot = np.isin(notes["pitch"], _FEET)
    notes["voice"] = np.where(is_foot & ~is_foot.all(), 2, 1)
    for voice in (1, 2):
        at = np.flatnonzero((notes["voice"] == voice) & (notes["grace"] == 0))
        if len(at):
            notes["duration_tick"][at] = _lengths(notes["onset_tick"][at], score)
    return notes


def _lengths(onsets: NDArray[np.int64], score: Score) -> NDArray[np.int64]:
    """Ticks from each onset to the next one, the next beat or the barline."""
    starts = np.unique(onsets)
    following = np.r_[starts, np.iinfo(np.int64).max][np.searchsorted(starts, onsets, "right")]
    measure = score.measures[score.measure_at(onsets)]
    beat = (onsets - measure["onset_tick"]) // score.ticks_per_quarter + 1
    next_beat = measure["onset_tick"] + beat * score.ticks_per_quarter
    barline = measure["onset_tick"] + measure["duration_tick"]
    barline = np.where(barline > onsets, barline, next_beat)
    return np.minimum(np.minimum(following, next_beat), barline) - onsets
